"""bf16: the forward pass alone is in bfloat16, in training and evaluation, for every built-in part of a model."""

import importlib.util
import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from icl_train import Evaluator, PlainReporter, RunFolder, Task, TrainConfig, smoke, train
from icl_train._check import check_model
from icl_train._commands.main import _main
from icl_train.presets import with_source

CPU = torch.device("cpu")


def config_of(*, precision="bf16", **model):
    config = smoke()
    if model.get("sequence_model", "transformer") != "transformer":
        model |= {"num_heads": None, "sequence_model_config": None}
    return replace(
        config,
        model=replace(config.model, **model),
        train=replace(config.train, max_steps=4, log_interval=1, checkpoint_interval=4, precision=precision),
        eval=replace(config.eval, batches=1, interval=4),
    )


def on_source(config, source, **model):
    config = with_source(config, source)
    return replace(
        config,
        data=replace(config.data, n_labels=None),
        model=replace(config.model, **model, embedder_config=None),
    )


def trained(path, config):
    run = RunFolder.create(path, config, device="cpu", threads=1)
    train(run, PlainReporter(io.StringIO()))
    return run


def losses(run):
    return [record["loss"] for record in run.records() if record["split"] == "train"]


def both(tmp_path, config):
    """Runs of one configuration in both precisions."""
    return [
        trained(tmp_path / precision, replace(config, train=replace(config.train, precision=precision)))
        for precision in ("bf16", "float32")
    ]


def assert_close_but_not_equal(tmp_path, config):
    """bfloat16 keeps 8 bits: the losses of the first updates are those of float32 to a percent, and not the same."""
    found, expected = map(losses, both(tmp_path, config))
    assert found == pytest.approx(expected, rel=0.01)
    assert found != expected


@pytest.mark.parametrize("concatenate_labels", [False, True])
@pytest.mark.parametrize("sequence_model", ["transformer", "lstm", "vanilla_rnn", "gru", "mamba", "reddy"])
def test_every_sequence_model_trains_in_bf16_beside_float32(sequence_model, concatenate_labels, tmp_path):
    if sequence_model == "mamba" and importlib.util.find_spec("transformers") is None:
        pytest.skip("needs the extra icl-models[ssm]")
    model = {"sequence_model": sequence_model, "concatenate_labels": concatenate_labels}
    assert_close_but_not_equal(tmp_path, config_of(**model))


@pytest.fixture
def images(tmp_path):
    path = tmp_path / "images.npy"
    np.save(path, np.random.default_rng(0).random((40, 9, 16, 16)).astype("float32"))
    return str(path)


@pytest.mark.parametrize("embedder", ["linear", "resnet"])
def test_every_embedder_of_images_trains_in_bf16_beside_float32(embedder, images, tmp_path):
    assert_close_but_not_equal(tmp_path, on_source(config_of(), images, embedder=embedder))


def test_a_residual_nets_running_averages_stay_float32(images, tmp_path):
    run = trained(tmp_path / "run", on_source(config_of(), images, embedder="resnet"))
    weights = load_file(run.checkpoints / "step_0000004" / "model.safetensors")
    assert {name: value.dtype for name, value in weights.items() if value.dtype != torch.float32} == {
        name: torch.int32 for name in weights if name.endswith("counter")
    }


def test_a_table_of_ids_trains_in_bf16_beside_float32(tmp_path):
    assert_close_but_not_equal(tmp_path, on_source(config_of(), "symbolic", embedder="embedding"))


def test_examples_that_the_query_alone_is_not_trained_on_are_in_bf16_too(tmp_path):
    config = config_of()
    assert_close_but_not_equal(tmp_path, replace(config, optim=replace(config.optim, w_interim_predictions=0.5)))


def test_weights_and_the_optimisers_state_stay_float32(tmp_path):
    run = trained(tmp_path / "run", config_of())
    for file in ("model", "optimizer"):
        tensors = load_file(run.checkpoints / "step_0000004" / f"{file}.safetensors")
        assert {value.dtype for value in tensors.values()} == {torch.float32}, file


def test_an_update_is_that_of_a_forward_pass_under_autocast(tmp_path):
    config = config_of()
    task = Task.build(config, device=CPU)
    batch, model = task.training_sampler()(1), task.build_model()
    labels = torch.from_numpy(batch.label).long()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(task.bank(batch, seed=0, step=1), labels, positions="query")
    assert logits.dtype == torch.bfloat16
    loss = torch.nn.functional.cross_entropy(logits.float(), labels[:, -1])
    assert losses(trained(tmp_path / "run", config))[0] == loss.item()


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_evaluations_answer_in_the_precision_of_training(noise):
    outcomes = {}
    for precision in ("bf16", "float32"):
        config = config_of(precision=precision)
        task = Task.build(replace(config, data=replace(config.data, noise_scale=noise)), device=CPU)
        seen = []
        model = task.build_model()
        model.readout.register_forward_hook(lambda module, inputs, output, seen=seen: seen.append(output.dtype))
        results = Evaluator(task, batches=1)(model)
        outcomes[precision] = (set(seen), [result.metrics["loss_query"] for result in results])
    assert outcomes["bf16"][0] == {torch.bfloat16}
    assert outcomes["float32"][0] == {torch.float32}
    assert outcomes["bf16"][1] == pytest.approx(outcomes["float32"][1], rel=0.01)
    assert outcomes["bf16"][1] != outcomes["float32"][1]


def test_precision_has_a_short_name_and_is_kept(tmp_path, capsys):
    args = ["--precision", "bf16", "--max-steps", "1", "--eval-batches", "1"]
    assert _main(["run", "smoke", "--root", str(tmp_path), "--name", "run", *args]) == 0
    assert RunFolder.open(tmp_path / "run").config.train.precision == "bf16"


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match=r"train\.precision must be one of float32, tf32, bf16, got 'fp16'"):
        TrainConfig(precision="fp16")


STUBBORN = """
from torch import nn
from icl_models import EmbedderSpec, hookimpl

class Stubborn(nn.Linear):
    def forward(self, x):
        if super().forward(x).dtype != self.weight.dtype:
            raise RuntimeError("expected float32")
        return super().forward(x)

@hookimpl
def icl_register_embedders():
    return [EmbedderSpec(name="stubborn", build=lambda model, own: Stubborn(model.example_shape[0], model.emb_dim))]
"""


def test_a_model_that_autocast_does_not_run_is_refused_before_a_run_is_made(plugins):
    plugins.install("stubborn", STUBBORN)
    config = config_of(embedder="stubborn", embedder_config=None)
    check_model(replace(config, train=replace(config.train, precision="float32")))
    message = r"train\.precision must be float32 for a model that autocast does not run, got bf16: expected float32"
    with pytest.raises(ValueError, match=message):
        check_model(config)
