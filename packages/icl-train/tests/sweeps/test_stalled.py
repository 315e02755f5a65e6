"""Runs from which nothing comes any more: told of, and ended where that was asked for."""

import pytest

from icl_train import figure3a, why_failed
from icl_train._commands.sweeps.options import SweepOptions
from icl_train._sweeps import watched as watched_module
from icl_train._sweeps.sweep import prepare


@pytest.fixture
def runs(short, tmp_path):
    return prepare(figure3a(short(), class_counts=(64, 30), seeds=(0,)), tmp_path, jobs=1)


def hang(self):
    """The larger one hangs, the other is done at once."""
    if self.run.config.data.n_trained_classes == 64:
        return None
    self.run.mark_done()
    return "with exit code 0"


def test_a_run_that_hangs_is_ended_as_failed_and_the_others_finish(runs, launched, child):
    child(hang)
    told, result = launched(runs, jobs=1, stall_minutes=0.01)
    assert result() == runs[:1]
    reason = "no sign of life for 0.01 minutes, at step 0: ended (--stall-minutes)"
    assert told.lines()[-1] == f"64 classes, s0: failed, {reason}"
    assert [run.status() for run in runs] == ["failed", "done"]
    assert why_failed(runs[0]) == reason


def test_a_run_that_gives_signs_of_life_is_not_ended(runs, launched, child):
    calls = []

    def live(self):
        calls.append(self)
        self.run.append([{"split": "train", "step": len(calls), "loss": 1.0}])
        if len(calls) < 8:  # two seconds of the sweep's looks
            return None
        self.run.mark_done()
        return "with exit code 0"

    child(live)
    _, result = launched(runs[:1], jobs=1, stall_minutes=0.02)
    assert result() == []


def test_a_silence_is_told_once(runs, launched, child, until, monkeypatch):
    monkeypatch.setattr(watched_module, "_QUIET_MINUTES", 0.005)
    gone_on = []
    child(lambda self: self.run.mark_done() or "with exit code 0" if gone_on else None)
    told, result = launched(runs[:1], jobs=1)
    until(lambda: "64 classes, s0: no update for 0.005 minutes, at step 0" in told.lines())
    gone_on.append(True)
    assert result() == []
    assert sum("no update" in line for line in told.lines()) == 1


@pytest.mark.parametrize("minutes", [0, -1.0, float("nan"), float("inf")])
def test_minutes_that_are_none_are_refused(minutes):
    with pytest.raises(ValueError, match="stall-minutes must be a number of minutes, more than 0, got"):
        SweepOptions(stall_minutes=minutes)
