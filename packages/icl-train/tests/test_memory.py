"""Sizes that no memory of the machine could hold are refused, with the bytes that they need; others never are."""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from icl_train import PRESETS, Evaluator, Task, smoke
from icl_train import _check as check
from icl_train import _memory as memory
from icl_train._check_settings import check_settings
from icl_train._commands.main import _main
from icl_train._memory import LARGEST_ACCELERATOR, needs, refuse_beyond_memory
from icl_train._run_data import RunData

GIB = 2**30


def with_settings(config, changes):
    """Dotted name → value."""
    for name, value in changes.items():
        group, _, field = name.partition(".")
        config = replace(config, **{group: replace(getattr(config, group), **{field: value})})
    return config


@pytest.fixture
def laptop_of_16_gib(monkeypatch):
    monkeypatch.setattr(memory, "machine_memory", lambda: 16 * GIB)
    monkeypatch.setattr(memory, "_may_have_gpu", lambda: False)


HUGE = [
    (
        {"train.batch_size": 100_000_000, "eval.batches": 1},
        "train.batch_size 100,000,000",
        "a batch|an evaluation|drawing",
    ),
    (
        {"model.emb_dim": 10**9},
        "model.emb_dim 1,000,000,000",
        "the model, with its gradient and the optimiser's state,",
    ),
    ({"model.num_layers": 10**9}, "model.num_layers 1,000,000,000", "the model"),
    ({"eval.batches": 10**9}, "eval.batches 1,000,000,000 of 16 sequences", "an evaluation"),
    ({"data.dim": 10**8}, "74 classes and data.dim 100,000,000", "the table of classes"),
    ({"data.n_rare_classes": 2 * 10**9}, "2,000,000,020 classes and data.dim 8", "the table of classes"),
    ({"data.n_labels": 10**9}, "1,000,000,000 labels", "the model"),
    ({"data.n_labels": None, "data.labeling_rare": "ordered_polysemy900000000"}, "57,600,000,000 labels", "the model"),
    ({"data.seq_len": 10**9}, "train.batch_size 16 and sequences of 1,000,000,000", "drawing a batch"),
]


@pytest.mark.parametrize(("changes", "setting", "what"), HUGE, ids=[setting for _, setting, _ in HUGE])
def test_a_size_beyond_all_memory_is_refused_with_its_estimate(changes, setting, what, laptop_of_16_gib):
    with pytest.raises(ValueError, match=r"^a run must fit into memory, got ") as caught:
        check_settings(with_settings(smoke(), changes))
    line = str(caught.value)
    assert setting in line or "of 100,000,000 sequences" in line
    assert any(part in line for part in what.split("|"))
    assert line.endswith("iB, and there are 16.0 GiB in all")
    assert "\n" not in line


@pytest.mark.parametrize("option", ["--batch-size=100000000", "--model.emb-dim=1000000000", "--optim.max-lr=inf"])
def test_it_is_refused_before_pytorch_is_imported(option, tmp_path):
    code = (
        "import sys\nfrom icl_train._commands.main import main\n"
        "sys.argv = ['icl-train', 'run', 'smoke', '--root', 'runs', sys.argv[1]]\n"
        "code = main()\nassert 'torch' not in sys.modules\nsys.exit(code)"
    )
    command = [sys.executable, "-c", code, option, "--device=cpu"]
    ended = subprocess.run([*command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_fits_into_a_gigabyte(preset):
    assert max(need.size for need in needs(PRESETS[preset]())) < GIB


def test_what_is_on_the_device_is_held_against_the_devices_memory(monkeypatch):
    config = with_settings(smoke(), {"train.batch_size": 20_000_000, "eval.batches": 1})
    monkeypatch.setattr(memory, "machine_memory", lambda: 16 * GIB)
    with pytest.raises(ValueError, match=r"there are 8\.0 GiB in all"):
        refuse_beyond_memory(config, device=8 * GIB)
    refuse_beyond_memory(config, device=80 * GIB)


def test_a_gpu_that_has_not_been_asked_may_be_the_largest_there_is(monkeypatch):
    config = with_settings(smoke(), {"train.batch_size": 20_000_000, "eval.batches": 1})
    monkeypatch.setattr(memory, "machine_memory", lambda: 16 * GIB)
    monkeypatch.setattr(memory, "_may_have_gpu", lambda: True)
    for device, refused in (("auto", False), ("cuda", False), ("cpu", True)):
        asked = with_settings(config, {"train.device": device})
        if refused:
            with pytest.raises(ValueError, match="must fit into memory"):
                refuse_beyond_memory(asked)
        else:
            refuse_beyond_memory(asked)
    assert max(need.size for need in needs(config)) < LARGEST_ACCELERATOR


def test_where_the_memory_is_not_known_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "machine_memory", lambda: None)
    refuse_beyond_memory(with_settings(smoke(), {"model.emb_dim": 10**9}))


def test_a_batch_whose_activations_fill_all_memory_is_refused_before_a_run_is_made(monkeypatch):
    config = with_settings(smoke(), {"train.batch_size": 10_000, "eval.batches": 1})
    refuse_beyond_memory(config, device=GIB // 32)  # what is sure without the model fits
    monkeypatch.setattr(check, "machine_memory", lambda: GIB // 32)
    with pytest.raises(
        ValueError, match=r"got train\.batch_size 10,000: keeping a batch's activations needs at least "
    ):
        check.check_model(config)
    monkeypatch.setattr(check, "machine_memory", lambda: GIB)
    check.check_model(config)


def kept(config, batch_size):
    task = check.Task.build(with_settings(config, {"train.batch_size": batch_size}), device=torch.device("cpu"))
    return check.kept_bytes(task, task.build_model(), task.training_sampler()(1), task.config)


MODELS = [
    {"model.sequence_model": name, "model.sequence_model_config": None, "model.num_heads": heads}
    for name, heads in (("transformer", 2), ("lstm", None), ("vanilla_rnn", None), ("gru", None))
]
VARIANTS = [
    *MODELS,
    {"optim.w_interim_predictions": 0.5},
    {"train.precision": "bf16"},
    {"model.concatenate_labels": True},
]


@pytest.mark.parametrize("changes", VARIANTS, ids=lambda changes: "-".join(map(str, changes.values())))
def test_what_a_batch_keeps_grows_with_its_sequences(changes):
    config = with_settings(smoke(), changes)
    four, eight, eighty = (kept(config, size) for size in (4, 8, 80))
    told = four + (eight - four) / 4 * 76
    assert told == pytest.approx(eighty, rel=0.1)
    assert check._SURE * told < eighty


@pytest.mark.parametrize("changes", VARIANTS, ids=lambda changes: "-".join(map(str, changes.values())))
def test_what_is_sure_without_the_model_is_less_than_what_a_batch_keeps(changes):
    config = with_settings(smoke(), changes)
    logits = 2 * 16 * 9 * 8 * 4  # with their gradient, which come behind the forward pass
    assert memory.batch_need(config, numbers_per_example=8).size <= kept(config, 16) + logits


def test_a_refused_sweep_makes_no_folder(tmp_path, laptop_of_16_gib):
    args = ["--root", str(tmp_path / "runs"), "--class-counts", "100", "--preset", "smoke"]
    with pytest.raises(ValueError, match="must fit into memory"):
        _main(["sweep", "figure3a", *args, "--model.emb-dim", "1000000000", "--device", "cpu"])
    assert not (tmp_path / "runs").exists()


OPENED = [
    ({"data.n_rare_classes": 2**31 - 1}, "2,147,483,667 classes and data.dim 8: the table of classes needs"),
    ({"model.num_layers": 2**31 - 1}, "model.num_layers 2,147,483,647: the model needs"),
    ({"data.n_labels": 2**31 - 1}, "2,147,483,647 labels"),
]


@pytest.mark.parametrize(("changes", "told"), OPENED, ids=[next(iter(changes)) for changes, _ in OPENED])
def test_a_run_that_is_opened_to_be_measured_is_refused_before_anything_is_made(changes, told, laptop_of_16_gib):
    with pytest.raises(ValueError, match=f"must fit into memory, got .*{told}"):
        RunData.build(with_settings(smoke(), changes))


def test_an_evaluation_of_more_sequences_than_fit_is_refused_before_one_is_drawn(laptop_of_16_gib):
    task = Task.build(smoke(), device=torch.device("cpu"))
    with pytest.raises(ValueError, match="must fit into memory, got 34,359,738,352 sequences in an evaluation"):
        Evaluator(task, batches=2**31 - 1)


def test_sequences_that_do_not_fit_are_refused_with_the_name_of_their_evaluation(laptop_of_16_gib):
    task = Task.build(smoke(), device=torch.device("cpu"))
    told = "got evaluation long with sequences of 199,999,999: drawing them needs at least "
    with pytest.raises(ValueError, match=f"must fit into memory, {told}"):
        Evaluator(task, batches=1, splits=["long:base=fewshot_holdout,shots=99999999"])


def test_a_model_is_measured_in_less_memory_than_it_is_trained_in(laptop_of_16_gib):
    config = with_settings(smoke(), {"model.emb_dim": 16_384, "model.num_layers": 2, "eval.batches": 1})
    with pytest.raises(ValueError, match="must fit into memory"):
        refuse_beyond_memory(config)
    assert RunData.build(config).num_labels == 8
