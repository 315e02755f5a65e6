"""What ``--dry-run`` lists: the runs, what they are already, and how long they will take."""

import re

import pytest

from icl_train import Survey, find_runs
from icl_train._commands.main import _main

GRID = ["sweep", "grid", "smoke", "--max-steps", "20", "--eval-batches", "1", "--vary", "data.p-bursty", "0", ".5"]


def test_the_runs_are_listed_with_their_number_and_time_and_nothing_is_made(tmp_path, capsys):
    assert _main([*GRID, "--root", str(tmp_path / "runs"), "--dry-run", "--jobs", "2"]) == 0
    told = capsys.readouterr()
    rows = [line.split() for line in told.out.splitlines()]
    assert rows[1][:5] == ["p_bursty", "0,", "s0", "new", "20"]
    assert rows[1][5].startswith("gaussian-p_bursty0-s0-")
    assert re.fullmatch(
        r"2 of 2 runs to train, about \d+ (second|minute)s? on this machine, 2 at a time", told.out.splitlines()[-1]
    )
    assert told.err.splitlines() == ["2 runs: 2 p_bursty", "timing a few updates of 1 of them ..."]
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_told_and_left_as_it_is(tmp_path, capsys, child):
    child()
    assert _main([*GRID[:-1], "--root", str(tmp_path)]) == 0
    (done,) = tmp_path.iterdir()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    capsys.readouterr()
    assert _main([*GRID, "--root", str(tmp_path), "--dry-run", "--launcher", "commands"]) == 0
    rows = {line.split()[1]: line for line in capsys.readouterr().out.splitlines()[1:3]}
    assert "done" in rows["0,"]
    assert done.name in rows["0,"]
    assert "new" in rows["0.5,"]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_run_that_was_stopped_is_as_far_as_status_says(tmp_path, capsys):
    assert _main([*GRID[:-1], "--root", str(tmp_path), "--launcher", "commands"]) == 0
    (run,) = find_runs(tmp_path)[0]
    run.append([{"split": "train", "step": 15, "sequences": 240, "loss": 1.0}])
    capsys.readouterr()
    assert _main([*GRID[:-1], "--root", str(tmp_path), "--dry-run", "--launcher", "commands"]) == 0
    assert "interrupted  15 of 20" in capsys.readouterr().out
    assert Survey(tmp_path).look()[0].step == 15


def test_a_broken_folder_is_named_on_stderr_and_no_traceback(tmp_path, capsys):
    assert _main([*GRID[:-1], "--root", str(tmp_path), "--launcher", "commands"]) == 0
    (folder,) = tmp_path.iterdir()
    (folder / "config.json").write_text("{")
    capsys.readouterr()
    assert _main([*GRID[:-1], "--root", str(tmp_path), "--dry-run", "--launcher", "commands"]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[-1] == "0 of 1 runs to train"
    assert f"{folder}: cannot read" in told.err


def test_commands_for_elsewhere_are_not_timed_here(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("icl_train._commands.sweeps.dry_run.timed", pytest.fail)
    assert _main([*GRID, "--root", str(tmp_path / "runs"), "--dry-run", "--launcher", "commands"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 of 2 runs to train"


def test_figure3a_has_it_too(tmp_path, capsys):
    args = ["sweep", "figure3a", "--preset", "smoke", "--class-counts", "64", "--launcher", "commands", "--dry-run"]
    assert _main([*args, "--root", str(tmp_path / "runs")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 of 1 runs to train"
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_in_the_runs_is_found(tmp_path):
    with pytest.raises(ValueError, match="num_heads must divide"):
        _main([*GRID, "--root", str(tmp_path / "runs"), "--dry-run", "--model.num-heads", "3"])
