"""The files of a run are its own: those of another one in their place are named, and nothing is made of the two."""

import io
import json
import shutil
from dataclasses import replace

import pytest
from broken_runs import LAST, assert_same, config, contents, resumed, verified

from icl_data.foundation.command_line import run_command
from icl_train import PlainReporter, RunError, RunFolder, train
from icl_train._commands.main import _main

NEWEST = f"checkpoints/step_{LAST:07d}"


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A run with another seed."""
    base = config()
    settings = replace(base, seeds=replace(base.seeds, init=1, split=7))
    run = RunFolder.create(tmp_path_factory.mktemp("other") / "run", settings, device="cpu", threads=1)
    train(run, PlainReporter(io.StringIO()))
    return run.path


def put(other, run, *names):
    """Files or folders of another run in the place of its own."""
    for name in names:
        place = run.path / name
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        shutil.copytree(other / name, place) if (other / name).is_dir() else shutil.copy(other / name, place)


@pytest.mark.parametrize(
    ("names", "named"),
    [
        (["config.json"], "DONE: it is of another run than config.json"),
        (["DONE", "metrics.jsonl"], "DONE: it is of another run than config.json"),
        (
            ["classes.json"],
            "classes.json: it must have the sha256 that it had: it is missing, changed, or of another run",
        ),
        ([f"{NEWEST}/state.json"], f"{NEWEST}/state.json: it is of another run than config.json"),
        ([NEWEST], f"{NEWEST}/state.json: it is of another run than config.json"),
    ],
    ids=str,
)
def test_verify_names_what_is_of_another_run(names, named, done, other):
    put(other, done, *names)
    code, printed = verified(done.path)
    assert code == 1
    assert f"damaged: {done.path}: {named}\n" in printed


@pytest.mark.parametrize("names", [["config.json"], ["DONE", "metrics.jsonl"]], ids=str)
def test_records_are_not_read_under_the_settings_of_another_run(names, done, other, capsys):
    put(other, done, *names)
    run = RunFolder.open(done.path)
    assert run.status() == "damaged"
    with pytest.raises(RunError, match=r"DONE: it is of another run than config\.json$"):
        run.records()
    assert _main(["status", str(done.path), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["runs"]
    assert (row["state"], row["scores"]) == ("damaged", {})


@pytest.mark.parametrize("names", [["config.json"], ["DONE", "metrics.jsonl"]], ids=str)
def test_a_run_with_the_settings_of_another_is_not_trained_and_stays_as_it_is(names, done, other):
    put(other, done, *names)
    before = contents(done)
    code, lines = resumed(done)
    assert (code, len(lines)) == (1, 1)
    assert "DONE: it is of another run than config.json" in lines[0]
    assert contents(done) == before


def test_a_run_that_is_interrupted_with_the_settings_of_another_is_damaged(interrupted, other):
    put(other, interrupted, "config.json")
    run = RunFolder.open(interrupted.path)
    assert run.status() == "damaged"
    assert run.damage() == "checkpoints/step_0000015/state.json: it is of another run than config.json"
    code, lines = resumed(run)
    assert (code, len(lines)) == (1, 1)


def test_a_checkpoint_of_another_run_is_passed_over(interrupted, other, finished):
    put(other, interrupted, "checkpoints/step_0000015")
    code, lines = resumed(interrupted)
    assert (code, len(lines)) == (0, 1)
    assert "the checkpoint of step 15 cannot be used, state.json: it is of another run" in lines[0]
    assert_same(interrupted, finished)


def test_classes_of_another_run_are_written_again(interrupted, other, finished):
    put(other, interrupted, "classes.json")
    code, lines = resumed(interrupted)
    assert (code, len(lines)) == (0, 1)
    assert "written anew, classes.json: " in lines[0]
    assert verified(interrupted.path)[0] == 0


def test_a_run_that_has_become_longer_is_still_the_same(done):
    assert resumed(done, "--max-steps", "25") == (0, [])
    code, printed = verified(done.path)
    assert (code, printed.count("intact: ")) == (0, 1)


def test_a_marker_of_failure_of_another_run_is_named(interrupted, other):
    RunFolder.open(other).mark_failed("the disk is full")
    shutil.move(other / "FAILED", interrupted.path / "FAILED")
    code, printed = verified(interrupted.path)
    assert code == 1
    assert "FAILED: it is of another run than config.json" in printed


def test_settings_of_before_the_run_became_longer_are_named_and_nothing_older_is_taken_for_its_last(done, capsys):
    settings = (done.path / "config.json").read_bytes()
    assert _main(["resume", str(done.path), "--max-steps", "30"]) == 0
    (done.path / "config.json").write_bytes(settings)
    told = "DONE: its steps must be the max_steps of config.json, 20, got 30"
    for options in ([], ["--max-steps", "30"], ["--max-steps", "40"]):
        capsys.readouterr()
        assert run_command(_main, "icl-train", ["resume", str(done.path), *options]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert told in line
    with pytest.raises(RunError, match=told):
        done.require_own_checkpoint(20)
