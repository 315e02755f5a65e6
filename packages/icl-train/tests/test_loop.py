"""The training loop: it learns, its lines are what they say, and a run that goes wrong says why."""

import io
import json
import math
import re
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

import icl_train._engines.eager as eager_module
from icl_train import (
    DataConfig,
    Evaluator,
    PlainReporter,
    RunFailed,
    RunFolder,
    Task,
    eval_record,
    smoke,
    train,
    why_failed,
)
from icl_train._life.divergence import RecentLosses
from icl_train.metrics import sequence_loss

DATA = DataConfig(source="gaussian", dim=16, n_rare_classes=10, n_holdout_classes=4)


def make_config(*, data=None, model=None, optim=None, train=None, eval=None, seeds=None):
    config = smoke()
    parts = {"data": data, "model": model, "optim": optim, "train": train, "eval": eval, "seeds": seeds}
    return replace(
        config, **{name: replace(getattr(config, name), **changes) for name, changes in parts.items() if changes}
    )


def run_to_end(path, config):
    run = RunFolder.create(path, config, device="cpu", threads=1)
    train(run, PlainReporter(io.StringIO()))
    return run


def contents(folder):
    """The files of a run, but for the lock."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


def lines(run, split="train"):
    return [record for record in run.records() if record["split"] == split]


def test_a_few_classes_are_learned_in_two_hundred_steps(tmp_path):
    config = replace(make_config(optim={"max_lr": 3e-3, "warmup_steps": 20}), data=DATA)
    config = replace(config, train=replace(config.train, max_steps=200, checkpoint_interval=200))
    config = replace(config, eval=replace(config.eval, interval=200))
    run = run_to_end(tmp_path / "run", config)
    first, *_, last = lines(run)
    assert first["loss"] > 2
    assert last["loss"] < 0.4 * first["loss"]
    before, after = lines(run, "eval_no_support_zipfian")
    assert before["accuracy_query"] < 0.3
    assert after["accuracy_query"] > 0.6
    assert run.status() == "done"


def test_polysemous_classes_are_trained_and_asked_for_their_own_labels(tmp_path):
    config = make_config(
        data={"n_labels": None, "labeling_rare": "ordered_polysemy3"}, train={"max_steps": 4}, eval={"interval": 4}
    )
    run = run_to_end(tmp_path / "run", config)
    assert run.status() == "done"
    last = lines(run, "eval_no_support_zipfian")[-1]
    assert last["step"] == 4
    assert math.isfinite(last["loss_query"])
    assert lines(run)[-1]["loss"] < 2 * math.log(64 * 3 + 10)


@pytest.fixture(scope="module")
def every_step(tmp_path_factory):
    """A run that logs each update."""
    config = make_config(train={"max_steps": 13, "log_interval": 1}, eval={"interval": 6, "batches": 2})
    return run_to_end(tmp_path_factory.mktemp("every") / "run", config)


def test_training_lines_are_means_over_the_updates_since_the_last_line(tmp_path, every_step):
    config = make_config(train={"max_steps": 13, "log_interval": 5}, eval={"interval": 6, "batches": 2})
    run = run_to_end(tmp_path / "run", config)
    single = lines(every_step)
    assert [line["step"] for line in single] == list(range(1, 14))
    assert [line["step"] for line in lines(run)] == [5, 10, 13]
    for line, first in zip(lines(run), (0, 5, 10), strict=True):
        some = single[first : line["step"]]
        for name in ("loss", "loss_query", "accuracy_query"):
            assert line[name] == pytest.approx(sum(one[name] for one in some) / len(some), abs=1e-6), name
        for name in ("learning_rate", "grad_l2", "weight_l2", "weight_l2_all", "sequences"):
            assert line[name] == pytest.approx(some[-1][name], rel=1e-6), name


def test_the_first_line_is_the_loss_of_the_untrained_model_on_the_first_batch(every_step):
    task = Task.build(every_step.config, device=torch.device("cpu"))
    batch = task.training_sampler()(1)
    labels = torch.from_numpy(batch.label).long()
    examples = task.bank(batch, seed=every_step.config.seeds.data, step=1)
    model = task.build_model()
    logits = model(examples, labels, positions="query")
    loss, _, _ = sequence_loss(logits[:, None], labels)
    torch.autograd.backward(loss)
    line = lines(every_step)[0]
    assert line["loss"] == pytest.approx(loss.item(), rel=1e-6)
    assert line["accuracy_query"] == (logits.argmax(1) == labels[:, -1]).float().mean().item()
    gradient = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    assert line["grad_l2"] == pytest.approx(gradient.norm().item(), rel=1e-5)


def test_evaluations_come_first_last_and_at_the_interval_and_count_sequences(every_step):
    steps = [0, 6, 12, 13]
    for split in ("fewshot_holdout", "flipped", "novel_label", "no_support_zipfian"):
        found = lines(every_step, f"eval_{split}")
        assert [line["step"] for line in found] == steps
        assert [line["sequences"] for line in found] == [16 * step for step in steps]
        assert {line["n_sequences"] for line in found} == {32}


def test_the_evaluation_before_training_is_of_the_untrained_model(every_step):
    task = Task.build(every_step.config, device=torch.device("cpu"))
    for result in Evaluator(task, batches=2)(task.build_model()):
        stored = lines(every_step, f"eval_{result.split}")[0]
        expected = eval_record(result, step=0, sequences=0)
        assert {name: value for name, value in stored.items() if isinstance(value, float)} == pytest.approx(
            {name: value for name, value in expected.items() if isinstance(value, float)}, rel=1e-5
        )


def test_weight_l2_leaves_out_biases_norms_and_tables_and_weight_l2_all_does_not(every_step):
    step = every_step.config.train.max_steps
    weights = load_file(every_step.checkpoints / f"step_{step:07d}" / "model.safetensors")
    tables = [name for name in weights if "label_table" in name]
    assert tables
    matrices = [value for name, value in weights.items() if value.ndim >= 2 and name not in tables]
    assert len(matrices) < len(weights) - len(tables)
    line = lines(every_step)[-1]
    norms = [torch.cat([value.flatten() for value in some]).norm().item() for some in (matrices, weights.values())]
    assert [line["weight_l2"], line["weight_l2_all"]] == pytest.approx(norms, rel=1e-5)


def test_weight_l2_leaves_out_the_embedding_of_ids_too(tmp_path):
    base = smoke()
    config = replace(
        base,
        data=DataConfig(source="symbolic", n_rare_classes=54),
        model=replace(base.model, embedder="embedding", embedder_config=None),
        train=replace(base.train, max_steps=1, log_interval=1),
        eval=replace(base.eval, batches=1),
    )
    run = run_to_end(tmp_path / "run", config)
    weights = load_file(run.checkpoints / "step_0000001" / "model.safetensors")
    tables = [name for name in weights if "table" in name or name.startswith("embedder")]
    assert len(tables) >= 2
    matrices = [value.flatten() for name, value in weights.items() if value.ndim >= 2 and name not in tables]
    assert lines(run)[0]["weight_l2"] == pytest.approx(torch.cat(matrices).norm().item(), rel=1e-5)


def test_a_run_that_diverges_stops_with_the_reason_and_is_marked_failed(tmp_path):
    config = make_config(optim={"max_lr": 1e30, "warmup_steps": 1})
    run = RunFolder.create(tmp_path / "run", config, device="cpu", threads=1)
    with pytest.raises(RunFailed, match=r"the loss must stay finite, got nan by step 10"):
        train(run, PlainReporter(io.StringIO()))
    assert run.status() == "failed"
    assert why_failed(run).startswith("the loss must stay finite, got nan by step 10 (")
    assert not (run.path / "DONE").exists()
    # What was measured up to there can still be read; the line without a number holds none.
    assert lines(run)[-1]["loss"] is None


@pytest.mark.parametrize("first_bad", [1, 2, 7, 10, 11])
def test_a_run_that_diverges_names_the_last_finite_step_and_the_rate_of_its_update(first_bad, tmp_path, monkeypatch):
    config = make_config()
    real, calls = eager_module.sequence_loss, []

    def diverging(*args, **more):
        calls.append(None)
        loss, *others = real(*args, **more)
        return (loss * math.nan if len(calls) >= first_bad else loss, *others)

    monkeypatch.setattr(eager_module, "sequence_loss", diverging)
    run = RunFolder.create(tmp_path / "run", config, device="cpu", threads=1)
    with pytest.raises(RunFailed) as failed:
        train(run, PlainReporter(io.StringIO()))
    if first_bad == 1:
        assert str(failed.value).endswith("got nan by step 10 (learning rate 0.001)")
    else:
        rate = f"{run.config.optim.max_lr * min(1, (first_bad - 1) / 10):g}"
        assert str(failed.value).endswith(f" (learning rate {rate}; last finite at step {first_bad - 1})")


def test_losses_that_are_no_numbers_for_longer_than_they_are_kept_have_no_last_finite_step():
    losses = RecentLosses()
    for step in range(1, 1500):
        losses.add(step, torch.tensor(1.0 if step < 100 else math.inf))
    assert losses.last_finite() is None


def test_a_run_that_diverges_between_two_lines_leaves_no_checkpoint_to_resume_from(tmp_path):
    config = make_config(optim={"max_lr": 1e30, "warmup_steps": 1}, train={"checkpoint_interval": 4})
    run = RunFolder.create(tmp_path / "run", config, device="cpu", threads=1)
    with pytest.raises(RunFailed):
        train(run, PlainReporter(io.StringIO()))
    for step in run.checkpoint_steps():
        weights = load_file(run.checkpoints / f"step_{step:07d}" / "model.safetensors")
        assert all(value.isfinite().all() for value in weights.values()), step


def test_a_run_that_cannot_start_stays_as_it_was(tmp_path):
    config = make_config(train={"device": "cuda:99"})
    run = RunFolder.create(tmp_path / "run", config, device="cuda:99", threads=1)
    run.mark_failed("what ended it before")
    before = contents(run.path)
    with pytest.raises(ValueError, match="device must be one that"):
        train(run, PlainReporter(io.StringIO()))
    assert contents(run.path) == before


@pytest.mark.parametrize("concatenate", [False, True])
@pytest.mark.parametrize("sequence_model", ["transformer", "lstm"])
def test_context_examples_can_be_trained_on_in_both_layouts(tmp_path, concatenate, sequence_model):
    heads = 2 if sequence_model == "transformer" else None
    config = make_config(
        model={
            "concatenate_labels": concatenate,
            "sequence_model": sequence_model,
            "sequence_model_config": None,
            "num_heads": heads,
        },
        optim={"w_interim_predictions": 0.4},
        train={"max_steps": 2, "log_interval": 1},
        eval={"batches": 1},
    )
    run = run_to_end(tmp_path / "run", config)
    task = Task.build(config, device=torch.device("cpu"))
    batch = task.training_sampler()(1)
    labels = torch.from_numpy(batch.label).long()
    logits = task.build_model()(task.bank(batch, seed=0, step=1), labels)
    at_examples = logits if concatenate else logits[:, 0::2]
    losses = torch.nn.functional.cross_entropy(at_examples.flatten(0, 1), labels.flatten(), reduction="none")
    each = losses.view(labels.shape).mean(0)
    line = lines(run)[0]
    assert line["loss"] == pytest.approx((0.4 * each[:-1].mean() + 0.6 * each[-1]).item(), rel=1e-5)
    assert line["loss_query"] == pytest.approx(0.6 * each[-1].item(), rel=1e-5)
    assert line["loss_interim"] * 8 == pytest.approx(0.4 * each[:-1].mean().item(), rel=1e-5)


def test_training_leaves_torchs_random_state_alone(tmp_path):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    run_to_end(tmp_path / "run", make_config(train={"max_steps": 1}, eval={"batches": 1}))
    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_acts_in_training_and_not_in_evaluation(tmp_path, every_step):
    config = replace(every_step.config, model=replace(every_step.config.model, dropout_prob=0.5))
    run = run_to_end(tmp_path / "run", replace(config, train=replace(config.train, max_steps=1)))
    assert lines(run)[0]["loss"] != pytest.approx(lines(every_step)[0]["loss"], rel=1e-3)
    untrained = [lines(one, "eval_fewshot_holdout")[0] for one in (run, every_step)]
    assert untrained[0] == untrained[1]


def test_classes_json_says_from_which_classes_each_evaluation_draws(every_step):
    classes = json.loads((every_step.path / "classes.json").read_text())
    trained = set(classes["rare"]) | set(classes["common"])
    assert (len(classes["rare"]), len(classes["common"]), len(classes["holdout"])) == (54, 10, 10)
    assert not trained & set(classes["holdout"])
    assert classes["evaluation"].keys() == {"fewshot_holdout", "flipped", "novel_label", "no_support_zipfian"}
    for split, keys in classes["evaluation"].items():
        assert set(keys) <= (trained if split == "no_support_zipfian" else set(classes["holdout"])), split


def test_progress_is_told_a_line_for_each_evaluation_and_kept_a_line_for_each_record(tmp_path):
    config = make_config(train={"max_steps": 4, "log_interval": 1}, eval={"batches": 1, "interval": 2})
    run = RunFolder.create(tmp_path / "run", config, device="cpu", threads=1)
    told = io.StringIO()
    train(run, PlainReporter(told))
    first, before, *rest = told.getvalue().splitlines()
    assert first == "run: steps 1 to 4 of 16 sequences"
    assert re.fullmatch(r"step 0/4  ICL [.\d]+ \(chance \.500\)  IWL [.\d]+ \(chance \.125\)", before)
    assert [line.split("  ")[0] for line in rest] == ["step 2/4", "step 4/4"]
    assert re.search(r"  ICL [.\d]+  IWL [.\d]+  loss [.\d]+", rest[-1])
    lines = (run.path / "progress.txt").read_text().splitlines()
    assert len(lines) == len(run.records()) == 4 + 4 + 2 * 4
    assert max(map(len, lines)) < 120
