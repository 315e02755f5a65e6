"""When evaluations are made and checkpoints written: every so often, at listed steps, or at log-spaced ones."""

import io
import json
from dataclasses import replace

import pytest

from icl_train import EvalConfig, PlainReporter, RunConfig, RunFolder, TrainConfig, smoke, train
from icl_train._commands.main import _main
from icl_train._settings.steps import log_spaced


def config_of(*, steps=12, eval=None, train=None):
    base = smoke()
    return replace(
        base,
        train=replace(base.train, **({"max_steps": steps, "checkpoint_interval": 5} | (train or {}))),
        eval=replace(base.eval, **({"batches": 1, "interval": 5} | (eval or {}))),
    )


def steps_of(config, tmp_path):
    """Steps that were evaluated, and those that have a checkpoint."""
    run = RunFolder.create(tmp_path / "run", config, device="cpu", threads=1)
    train(run, PlainReporter(io.StringIO()))
    evaluated = [record["step"] for record in run.records() if record["split"] == "eval_fewshot_holdout"]
    return evaluated, run.checkpoint_steps()


def test_without_a_list_there_is_an_evaluation_and_a_checkpoint_at_each_interval(tmp_path):
    assert steps_of(config_of(), tmp_path) == ([0, 5, 10, 12], [5, 10, 12])


def test_listed_steps_take_the_place_of_the_interval_and_the_last_is_among_them(tmp_path):
    config = config_of(eval={"steps": (1, 2, 7)}, train={"checkpoint_steps": (3,)})
    assert steps_of(config, tmp_path) == ([1, 2, 7, 12], [3, 12])


def test_step_zero_is_before_the_first_update(tmp_path):
    config = config_of(eval={"steps": (0,)}, train={"checkpoint_steps": (0,)})
    assert steps_of(config, tmp_path) == ([0, 12], [0, 12])
    untrained = json.loads((tmp_path / "run" / "checkpoints" / "step_0000000" / "state.json").read_text())
    assert untrained["step"] == 0


def test_log_spaced_steps_are_dense_early_on(tmp_path):
    config = config_of(steps=16, eval={"log_spaced_steps": 5}, train={"log_spaced_checkpoint_steps": 3})
    assert steps_of(config, tmp_path) == ([0, 1, 2, 4, 8, 16], [0, 1, 4, 16])


@pytest.mark.parametrize("last", [1, 2, 7, 500_000, 2**31 - 1])
@pytest.mark.parametrize("count", [1, 2, 50, 1000])
def test_log_spaced_steps_go_from_zero_and_one_to_the_last_each_once(count, last):
    steps = log_spaced(count, last)
    assert steps[0] == 0
    assert steps[-1] == last
    assert list(steps) == sorted(set(steps))
    assert len(steps) <= count + 1
    if count > 1:
        assert steps[1] == 1


def test_lists_are_options(tmp_path, capsys):
    args = ["--eval.steps", "10", "0", "3", "3", "--train.log-spaced-checkpoint-steps", "2", "--max-steps", "12"]
    assert _main(["run", "smoke", "--root", str(tmp_path), "--name", "run", "--eval-batches", "1", *args]) == 0
    run = RunFolder.open(tmp_path / "run")
    assert run.config.eval.steps == (0, 3, 10)
    assert [one["step"] for one in run.records() if one["split"] == "eval_flipped"] == [0, 3, 10, 12]
    assert run.checkpoint_steps() == [0, 1, 12]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EvalConfig(steps=(3, -1)), r"eval\.steps must be whole numbers of at least 0 .*, got -1"),
        (lambda: EvalConfig(steps=(1.5,)), r"eval\.steps must be whole numbers of at least 0 .*, got 1\.5"),
        (lambda: EvalConfig(steps=()), r"eval\.steps must name at least one step"),
        (lambda: EvalConfig(log_spaced_steps=0), r"eval\.log_spaced_steps must be from 1 to 100000, got 0"),
        (
            lambda: EvalConfig(log_spaced_steps=10**9),
            r"eval\.log_spaced_steps must be from 1 to 100000, got 1000000000",
        ),
        (
            lambda: EvalConfig(steps=(1,), log_spaced_steps=2),
            r"one of eval\.steps and eval\.log_spaced_steps must be lef",
        ),
        (lambda: TrainConfig(checkpoint_steps=(-2,)), r"train\.checkpoint_steps must be whole numbers .*, got -2"),
        (
            lambda: TrainConfig(max_steps=9, checkpoint_steps=(3, 10, 12)),
            r"train\.checkpoint_steps must be at most train\.max_steps \(9\), got 10, 12",
        ),
        (
            lambda: TrainConfig(checkpoint_steps=(1,), log_spaced_checkpoint_steps=2),
            r"one of train\.checkpoint_steps and train\.log_spaced_checkpoint_steps must be left out, got \(1,\) and 2",
        ),
        (
            lambda: RunConfig(train=TrainConfig(max_steps=9), eval=EvalConfig(steps=(10,))),
            r"eval\.steps must be at most train\.max_steps \(9\), got 10",
        ),
        (
            lambda: TrainConfig(max_steps=10**20),
            r"train\.max_steps must be at most 2147483647, got 1000000000000000000",
        ),
    ],
)
def test_a_list_that_cannot_be_is_refused_with_the_value(make, message):
    with pytest.raises(ValueError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
