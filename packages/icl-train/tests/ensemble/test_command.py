"""``run --engine ensemble`` and ``resume`` of several runs: what they train, say and refuse."""

from dataclasses import replace

import pytest

from icl_train import RunFolder, smoke
from icl_train._commands.main import _main

_SHORT = ["--max-steps", "10", "--eval.batches", "1"]


@pytest.fixture
def make(tmp_path):
    """``make("name", optim={…})``: a run of ten steps that is not trained yet."""

    def make(name, **parts):
        parts = {"train": {"max_steps": 10}, "eval": {"batches": 1}} | parts
        config = smoke()
        changed = {group: replace(getattr(config, group), **values) for group, values in parts.items()}
        return RunFolder.create(tmp_path / name, replace(config, **changed), device="cpu", threads=1)

    return make


def test_several_runs_are_gone_on_with_together(make, capsys):
    runs = [make("one"), make("other", optim={"max_lr": 1e-2})]
    paths = [str(run.path) for run in runs]
    assert _main(["resume", *paths]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-2:] == [f"{path}: done" for path in paths]
    assert any(line.startswith("other: step 10/10") for line in told)
    assert [RunFolder.open(run.path).starts[-1]["engine"] for run in runs] == ["ensemble"] * 2
    assert _main(["resume", *paths]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{path}: done already" for path in paths]


def test_a_run_that_is_given_twice_is_refused_by_name(make):
    run = make("one")
    with pytest.raises(ValueError, match=r"^each run must be given once, got .*/one/\.\./one again$"):
        _main(["resume", str(run.path), f"{run.path}/../one"])
    assert run.status() == "queued"


def test_several_runs_have_no_other_engine(make):
    runs = [make("one"), make("other")]
    with pytest.raises(ValueError, match=r"^engine must be ensemble for several runs, got eager$"):
        _main(["resume", *(str(run.path) for run in runs), "--engine", "eager"])


def test_one_that_fails_is_told_of_and_exit_code_1(make, capsys):
    runs = [make("one"), make("other", optim={"max_lr": 1e30})]
    assert _main(["resume", *(str(run.path) for run in runs)]) == 1
    told = capsys.readouterr()
    (line,) = told.err.splitlines()
    assert line.startswith(f"error: {runs[1].path}: the loss must stay finite, got nan by step 10")
    assert told.out.splitlines()[-1] == f"{runs[0].path}: done"


def test_runs_of_several_shapes_are_refused_as_they_are(make):
    runs = [make("one"), make("other", train={"batch_size": 8, "max_steps": 10})]
    with pytest.raises(ValueError, match=r"^train\.batch_size must be the same for runs that are trained together"):
        _main(["resume", *(str(run.path) for run in runs)])
    assert [run.status() for run in runs] == ["queued", "queued"]


def test_a_run_alone_is_an_ensemble_of_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert _main(["run", "smoke", "--engine", "ensemble", "--name", "alone", *_SHORT]) == 0
    run = RunFolder.open(tmp_path / "runs" / "alone")
    assert run.status() == "done"
    assert run.starts[-1]["engine"] == "ensemble"


def test_a_component_without_a_batched_form_is_refused_before_a_folder_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ["--model.sequence-model", "lstm", "--model.num-heads", "None", "--engine", "ensemble"]
    with pytest.raises(
        ValueError, match=r"^sequence_model must be one of reddy, transformer in an ensemble, got 'lstm'"
    ):
        _main(["run", "smoke", "--name", "alone", *options])
    assert not (tmp_path / "runs" / "alone").exists()
