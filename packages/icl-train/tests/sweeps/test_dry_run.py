"""What ``--dry-run`` lists: the runs, what they are already, and how long they will take."""

import re

import pytest

from icl_train._commands.main import _main
from icl_train._sweeps import estimate
from icl_train._sweeps.estimate import Timing, kind_of, sweep_seconds, time_run

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
    monkeypatch.setattr("icl_train._commands.sweeps.dry_run.time_run", pytest.fail)
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


def test_timing_measures_updates_and_evaluations(short):
    timing = time_run(short(), device="cpu", threads=1)
    assert timing.update > 0
    assert timing.evaluation > 0


def test_timing_ends_long_before_a_long_run(short, monkeypatch):
    monkeypatch.setattr(estimate, "_SECONDS", 0.1)
    assert time_run(short(train={"max_steps": 10**9}), device="cpu", threads=1).update > 0


def test_a_run_takes_its_updates_and_evaluations_that_are_left(short):
    config = short(train={"max_steps": 100}, eval={"batches": 3, "steps": (0, 50)})
    timing = Timing(update=2.0, evaluation=5.0, cost=estimate.expected_cost(config))
    assert timing.seconds(config, 0) == 100 * 2.0 + 3 * 3 * 5.0
    assert timing.seconds(config, 50) == 50 * 2.0 + 3 * 5.0


def test_a_costlier_run_of_the_same_kind_takes_longer_in_proportion(short):
    small, large = short(), short(model={"emb_dim": 32})
    timing = Timing(update=1.0, evaluation=0.0, cost=estimate.expected_cost(small))
    ratio = estimate.expected_cost(large) / estimate.expected_cost(small)
    assert timing.seconds(large, 0) == pytest.approx(ratio * timing.seconds(small, 0))
    assert kind_of(small) == kind_of(large)


def test_a_sweep_takes_as_long_as_its_runs_side_by_side(short, monkeypatch):
    monkeypatch.setattr(estimate, "_seconds_to_start", lambda: 1.0)
    config = short(train={"max_steps": 10}, eval={"batches": 1})
    timings = {kind_of(config): Timing(update=1.0, evaluation=0.0, cost=estimate.expected_cost(config))}
    assert sweep_seconds([(config, 0)] * 3, timings, jobs=2) == 22
    assert sweep_seconds([(config, 0), (config, 5)], timings, jobs=1) == 17


def test_the_folder_that_is_timed_in_is_removed(short, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    time_run(short(), device="cpu", threads=1)
    assert list(tmp_path.glob("icl-timing-*")) == []
