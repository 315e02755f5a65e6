"""Interventions in training: in the updates that they are for, in the evaluations there, and resumed to the bit."""

import io
import shutil
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from intervened import run_config, trained
from safetensors.torch import load_file

from icl_train import (
    Evaluator,
    PlainReporter,
    RunFolder,
    Task,
    eval_record,
    interventions_of,
    load_model_weights,
    train,
)

LAST = 20
ACTIONS = {
    "ablate": "blocks.1.attention.heads:ablate,but=0",
    "mean": "blocks.0.mlp:mean",
    "value": "blocks.1.mlp:value=0.5",
    "previous": "blocks.0.attention.weights:pattern=previous",
    "induction": "blocks.1.attention.weights.1:pattern=induction",
    "uniform": "blocks.0.attention.weights.0:pattern=uniform,stop=12",
    "copy": "blocks.1.attention.weights:copy",
    "fix": "blocks.0:fix,start=7,stop=13",
    "run": "blocks.0.residual_post:run={other}@5,start=3",
}


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A finished run with checkpoints of steps 5, 10, 15 and 20."""
    return trained(tmp_path_factory.mktemp("other") / "run", run_config(seeds={"init": 7})).path


def weights(run, step, file="model"):
    return load_file(run.checkpoints / f"step_{step:07d}" / f"{file}.safetensors")


def records(run):
    """All lines without what a clock decides."""
    return [{name: one for name, one in line.items() if name != "sequences_per_second"} for line in run.records()]


def measured(run, step):
    return [line for line in run.records() if line["step"] == step and line["split"] != "train"]


@pytest.mark.parametrize("name", ACTIONS)
def test_a_run_that_goes_on_is_the_unbroken_one(name, other, tmp_path):
    optim = {"optimizer": "adamw", "weight_decay": 0.1, "l2": 0.01, "clip_norm": 1.0}
    every = {"checkpoint_steps": (10,)}
    config = run_config(ACTIONS[name].format(other=other), optim=optim, model={"dropout_prob": 0.1}, train=every)
    run = trained(tmp_path / "run", config)
    shutil.copytree(run.path, tmp_path / "again")
    shutil.rmtree(tmp_path / "again" / "checkpoints" / f"step_{LAST:07d}")
    (tmp_path / "again" / "DONE").unlink()
    again = RunFolder.open(tmp_path / "again")
    train(again, PlainReporter(io.StringIO()))
    assert records(again) == records(run)
    for file in ("model", "optimizer"):
        found, expected = (weights(one, LAST, file) for one in (again, run))
        assert found.keys() == expected.keys()
        assert all(found[key].equal(value) for key, value in expected.items())


@pytest.mark.parametrize("name", ACTIONS)
def test_a_checkpoint_measured_again_has_the_numbers_of_training_and_others_without_interventions(
    name, other, tmp_path
):
    run = trained(tmp_path / "run", run_config(ACTIONS[name].format(other=other)))
    task = Task.build(run.config, device=torch.device("cpu"))
    model = task.build_model()
    evaluator = Evaluator(task, batches=1, workers=2)
    for step in (10, LAST):
        load_model_weights(run.checkpoints, step, model)
        with interventions_of(run, model) as put:
            acting = put.at(step)
            found = [
                eval_record(one, step=step, sequences=step * run.config.train.batch_size)
                for one in evaluator(model, acting)
            ]
        assert found == measured(run, step)
        plain = [one.metrics for one in evaluator(model)]
        acts = any(one.acts(step) for one in run.config.model.intervened) and name != "fix"
        assert (plain[0]["loss_query"] != found[0]["loss_query"]) is acts


def test_noisy_examples_are_measured_under_interventions_as_in_training(other, tmp_path):
    """Each appearance of an example is then another one, and both models see the same."""
    config = run_config(ACTIONS["run"].format(other=other), ACTIONS["copy"], data={"noise_scale": 0.2})
    run = trained(tmp_path / "run", config)
    task = Task.build(run.config, device=torch.device("cpu"))
    model = task.build_model()
    load_model_weights(run.checkpoints, LAST, model)
    with interventions_of(run, model) as put:
        results = Evaluator(task, batches=1, workers=2)(model, put.at(LAST))
    assert [one.metrics["loss_query"] for one in results] == [one["loss_query"] for one in measured(run, LAST)]


@pytest.mark.parametrize(("start", "stop"), [(0, 4), (4, 9), (9, None)])
def test_updates_outside_its_steps_are_those_of_a_run_without_it(start, stop, tmp_path):
    """Between two checkpoints of each update, weights change as from the same weights without the intervention."""
    every = {"checkpoint_interval": 1, "max_steps": 12}
    window = f"start={start}" + ("" if stop is None else f",stop={stop}")
    run = trained(tmp_path / "run", run_config(f"blocks.0:fix,{window}", train=every, optim={"optimizer": "sgd"}))
    block = [key for key in weights(run, 1) if ".blocks.0." in key]
    loaded = {step: weights(run, step) for step in range(1, 13)}
    for before, after in pairwise(range(1, 13)):
        stays = start < after <= (stop or 12)
        same = all(loaded[before][key].equal(loaded[after][key]) for key in block)
        assert same is stays, after
        assert not loaded[before]["readout.weight"].equal(loaded[after]["readout.weight"])


def test_an_ablation_changes_the_loss_of_its_own_updates_alone(tmp_path):
    """With a rate of next to nothing, the loss of an update is that of its sequences under what acts in it."""
    still = {"max_lr": 1e-30}
    plain = trained(tmp_path / "plain", run_config(optim=still))
    run = trained(tmp_path / "run", run_config("tokens:ablate,start=4,stop=9", optim=still))
    losses = [
        {line["step"]: line["loss"] for line in one.records() if line["split"] == "train"} for one in (plain, run)
    ]
    assert {step for step in losses[0] if losses[0][step] != losses[1][step]} == {5, 6, 7, 8, 9}
    at = {step: [one["loss_query"] for one in measured(plain, step)] for step in (0, 5, 10)}
    assert [measured(run, step)[0]["loss_query"] == at[step][0] for step in (0, 5, 10)] == [True, False, True]


@pytest.mark.parametrize(
    "optim",
    [
        {"optimizer": "adam"},
        {"optimizer": "adamw", "weight_decay": 0.3},
        {"optimizer": "sgd", "momentum": 0.9},
        {"optimizer": "adam", "l2": 0.1, "clip_norm": 0.5},
    ],
    ids=str,
)
def test_fixed_weights_keep_every_bit_for_20_updates_and_the_rest_is_trained(optim, tmp_path):
    every = {"checkpoint_steps": (0,)}
    run = trained(tmp_path / "run", run_config("blocks.0:fix", "readout.bias:fix", train=every, optim=optim))
    start, end = weights(run, 0), weights(run, LAST)
    fixed = {key for key in start if ".blocks.0." in key or key == "readout.bias"}
    assert {key for key in start if start[key].equal(end[key])} == fixed
    assert not [key for key in weights(run, LAST, "optimizer") if key.partition("|")[2] in fixed]


def test_moments_of_weights_that_are_fixed_for_a_while_wait(tmp_path):
    config = run_config("blocks.0:fix,start=5,stop=15", optim={"optimizer": "adam"})
    run = trained(tmp_path / "run", replace(config, train=replace(config.train, checkpoint_steps=(10,))))
    moments = weights(run, 10, "optimizer")
    steps = {key.partition("|")[2]: float(value) for key, value in moments.items() if key.startswith("step|")}
    assert {value for key, value in steps.items() if ".blocks.0." in key} == {5}
    assert {value for key, value in steps.items() if ".blocks.0." not in key} == {10}


def test_loss_in_the_context_and_bfloat16_are_trained_under_interventions_too(other, tmp_path):
    texts = [ACTIONS[name].format(other=other) for name in ("run", "previous", "induction", "copy")]
    config = run_config(
        *texts,
        optim={"w_interim_predictions": 0.3},
        train={"precision": "bf16", "max_steps": 6, "checkpoint_interval": 5},
    )
    run = trained(tmp_path / "run", config)
    assert all(line["loss"] < 20 for line in run.records() if line["split"] == "train")


def test_without_interventions_nothing_is_put_into_a_model(tmp_path):
    run = RunFolder.create(tmp_path / "run", run_config(), device="cpu", threads=1)
    model = Task.build(run.config, device=torch.device("cpu")).build_model()
    assert interventions_of(run, model) is None


def test_calls_beside_each_other_answer_their_own_sequences(other, tmp_path):
    texts = [ACTIONS[name].format(other=other) for name in ("run", "induction", "copy")]
    run = RunFolder.create(tmp_path / "run", run_config(*texts), device="cpu", threads=1)
    task = Task.build(run.config, device=torch.device("cpu"))
    model = task.build_model()
    with interventions_of(run, model) as put:
        acting = put.at(LAST)
        one, several = (Evaluator(task, sequences=3000, workers=workers)(model, acting) for workers in (1, 4))
    assert [each.metrics for each in one] == [each.metrics for each in several]
