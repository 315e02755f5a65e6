"""Runs that other processes train: followed to their end, taken over, or left alone; never taken for done."""

import pytest

from icl_data.foundation.sealed import seal_object
from icl_train import RunFolder, figure3a
from icl_train._commands.main import _main
from icl_train._sweeps.sweep import prepare

SHORT = ["sweep", "figure3a", "--preset", "smoke", "--max-steps", "20", "--eval-batches", "1"]


@pytest.fixture
def run(short, tmp_path):
    (run,) = prepare(figure3a(short(), class_counts=(64,), seeds=(0,)), tmp_path, jobs=1)
    return run


def test_a_run_that_another_process_trains_is_followed_to_its_end(run, launched, until):
    with run.lock():
        told, result = launched([run], jobs=1)
        until(lambda: "64 classes, s0: another process trains it, followed" in told.lines())
        run.append([{"split": "eval_fewshot_holdout", "step": 10, "accuracy_closed": 0.5, "chance": 0.5}])
        until(lambda: "64 classes, s0: step 10: ICL 0.500 (chance 0.5)" in told.lines())
        run.mark_done()
    assert result() == []
    assert told.lines()[-2:] == ["64 classes, s0: done", "1 of 1 done"]


def test_a_run_that_fails_in_another_process_has_failed_here_too(run, launched, until):
    with run.lock():
        told, result = launched([run], jobs=1)
        until(lambda: "0 of 1 done, 1 elsewhere" in told.lines())
        run.mark_failed("out of luck")
    assert result() == [run]
    assert told.lines()[-1] == "64 classes, s0: failed, out of luck"


def test_a_run_whose_other_process_dies_is_taken_over(run, launched, until, child):
    kind = child()
    with run.lock():
        told, result = launched([run], jobs=1)
        until(lambda: "0 of 1 done, 1 elsewhere" in told.lines())
        assert kind.started == ()
    assert result() == []
    assert kind.started == (run.name,)
    assert "64 classes, s0: the process that trained it ended at step 0; it goes on here" in told.lines()
    assert run.status() == "done"


def test_a_run_that_another_process_takes_before_its_turn_is_followed(short, tmp_path, launched, until, child):
    first, second = prepare(figure3a(short(), class_counts=(64, 30), seeds=(0,)), tmp_path, jobs=1)
    free = []

    def plan(self):
        if not free:
            return None
        self.run.mark_done()
        return "with exit code 0"

    kind = child(plan)
    told, result = launched([first, second], jobs=1)
    until(lambda: kind.started)
    with second.lock():
        free.append(True)
        until(lambda: "30 classes, s0: another process trains it, followed" in told.lines())
        second.mark_done()
    assert result() == []
    assert kind.started == (first.name,)


def test_a_process_that_finds_its_run_taken_leaves_it_to_the_other(run, launched, until, child):
    lost = []

    def plan(self):
        lost.append(self.run)
        return "with exit code 2"

    child(plan)
    with run.lock():
        run_status = RunFolder.status
        with pytest.MonkeyPatch.context() as patch:
            # As if the other process had taken it between the look and the start.
            patch.setattr(RunFolder, "status", lambda one: "running" if lost else "queued")
            told, result = launched([run], jobs=1)
            until(lambda: "64 classes, s0: another process trains it, followed" in told.lines())
        assert run_status(run) == "running"
        run.mark_done()
    assert result() == []


def test_with_no_follow_work_open_elsewhere_is_exit_code_3_and_no_hint_at_the_figure(run, tmp_path, capsys):
    args = [*SHORT, "--root", str(tmp_path), "--class-counts", "64", "--no-follow"]
    with run.lock():
        assert _main(args) == 3
    told = capsys.readouterr()
    assert told.err == f"not done, and left to other processes: {run.name}\n"
    assert "icl-eval" not in told.out


def test_who_trains_a_run_is_told(run, launched, until):
    with run.lock():
        (run.path / "heartbeat.json").write_text(
            seal_object('{"step": 7, "steps_per_second": 1.0, "pid": 4321, "host": "node7", "time": 0\n}\n')
        )
        told, result = launched([run], jobs=1)
        until(lambda: "64 classes, s0: process 4321 on node7 trains it, followed" in told.lines())
        run.mark_done()
    assert result() == []
