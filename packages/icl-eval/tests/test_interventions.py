"""Runs under interventions: measured again as they were in training or by themselves, and told apart in tables."""

import csv
import io
import json
import re
from dataclasses import replace

import pytest

from icl_data.foundation.command_line import run_command
from icl_eval import evaluate_run, load_runs
from icl_eval._commands.main import _main
from icl_eval._picture.runs import run_settings
from icl_models import load_model
from icl_train import Evaluator, PlainReporter, RunFolder, Task, eval_record, resolve_device, smoke, train

TEXTS = ("blocks.0.attention.weights:pattern=uniform,stop=15", "blocks.0.mlp:mean")


def config_of(*interventions, **seeds):
    base = smoke()
    return replace(
        base,
        model=replace(base.model, interventions=interventions or None),
        train=replace(base.train, max_steps=20, checkpoint_interval=10),
        eval=replace(base.eval, interval=10, batches=2),
        seeds=replace(base.seeds, **seeds),
    )


def trained(path, config):
    run = RunFolder.create(path, config, device="cpu", threads=1)
    train(run, PlainReporter(io.StringIO()))
    return run


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three runs: under two interventions, held to that one, and under none. Not to be changed."""
    root = tmp_path_factory.mktemp("runs")
    first = trained(root / "held", config_of(*TEXTS))
    trained(root / "other", config_of(f"blocks.0.residual_post:run={first.path}@10"))
    trained(root / "plain", config_of())
    return root


def in_training(run, step):
    return [record for record in run.records() if record["split"] != "train" and record["step"] == step]


@pytest.mark.parametrize("name", ["held", "other", "plain"])
def test_checkpoints_have_exactly_the_numbers_of_training(name, root):
    run = RunFolder.open(root / name)
    assert evaluate_run(run, steps=[10, 20], device="cpu") == in_training(run, 10) + in_training(run, 20)


def test_without_interventions_the_model_is_measured_by_itself(root):
    """As one of the same weights whose run never had any."""
    run = RunFolder.open(root / "held")
    found = evaluate_run(run, steps=[20], device="cpu", interventions=False)
    assert found != in_training(run, 20)
    evaluator = Evaluator(Task.build(config_of(), device=resolve_device("cpu")), batches=2)
    model = load_model(run.checkpoints / "step_0000020")
    assert found == [eval_record(one, step=20, sequences=20 * 16) for one in evaluator(model)]


@pytest.mark.parametrize("step", [10, 20])
def test_the_command_measures_as_in_training_and_says_where_it_does_not(step, root, tmp_path, capsys):
    run = RunFolder.open(root / "held")
    out = str(tmp_path / "rows.csv")
    rows = {}
    for option in ((), ("--without-interventions",)):
        args = ["evaluate", str(run.path), "--step", str(step), "--device", "cpu", "--out", out, "--json", *option]
        assert _main(args) == 0
        (rows[option],) = json.loads(capsys.readouterr().out)
    icl = next(one for one in in_training(run, step) if one["split"] == "eval_fewshot_holdout")
    assert rows[()]["icl_two_way"] == icl["accuracy_closed"]
    assert "interventions" not in rows[()]
    assert rows["--without-interventions",]["interventions"] == "without"


def test_the_table_of_an_evaluation_says_that_it_is_without_them(root, tmp_path, capsys):
    args = ["evaluate", str(root), "--without-interventions", "--out", str(tmp_path / "rows.csv"), "--device", "cpu"]
    assert _main(args) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "held without interventions" in told
    assert "plain without interventions" not in told
    with (tmp_path / "rows.csv").open(newline="") as file:
        assert {row["run"]: row["interventions"] for row in csv.DictReader(file)} == {
            "held": "without",
            "other": "without",
            "plain": "",
        }


def test_a_damaged_copy_of_anothers_weights_is_a_damaged_run(root, tmp_path, capsys):
    run = trained(tmp_path / "run", config_of(f"blocks.0.mlp:run={root / 'held'}"))
    (copy,) = run.path.glob("other_*.safetensors")
    copy.write_bytes(copy.read_bytes()[:-4])
    assert run_command(_main, "icl-eval", ["evaluate", str(run.path), "--device", "cpu"]) == 1
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert f"cannot measure {run.path}: {copy.name} must have sha256:" in line
    assert _main(["evaluate", str(run.path), "--device", "cpu", "--without-interventions"]) == 0


def test_a_table_has_them_as_a_setting(root, capsys):
    assert _main(["table", str(root), "--format", "csv", "--wide"]) == 0
    rows = {row["run"]: row for row in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    assert json.loads(rows["held"]["model.interventions"]) == list(TEXTS)
    assert rows["plain"]["model.interventions"] == ""
    assert "other" in rows


def test_runs_under_other_interventions_are_told_apart(root):
    told = {run: one["model.interventions"] for run, one in run_settings(load_runs(root)).items()}
    assert told["plain"] is None
    assert json.loads(told["held"]) == list(TEXTS)
    assert re.fullmatch(r'\["blocks\.0\.residual_post:run=sha256:[0-9a-f]{16}"\]', told["other"])
