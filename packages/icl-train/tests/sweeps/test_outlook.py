"""How long a sweep still takes, from what its runs say of themselves."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from icl_train._estimate.work import Times
from icl_train._sweeps import outlook
from icl_train._sweeps.outlook import Outlook


@pytest.fixture
def run(short):
    """A run of 100 updates and two evaluations, seen from outside."""
    made = iter(range(1000))

    def make(*, left=None, times=None, done=0, **train):
        config = short(train={"max_steps": 100, **train}, eval={"batches": 1, "steps": (0,)})
        folder = SimpleNamespace(config=config, path=Path(f"run{next(made)}"), threads=1)
        return SimpleNamespace(run=folder, done=done, view=SimpleNamespace(times=times, seconds_left=left))

    return make


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(outlook.time, "monotonic", lambda: now[0])
    return now


TIMES = Times(update=1.0, evaluation=5.0, start=3.0)


def test_those_that_wait_take_what_was_measured_of_others(run):
    seen = Outlook(jobs=1, members=None)
    trained = run(left=50.0, times=TIMES)
    assert seen.seconds_left([trained], [], [run()]) is None
    seen.note(trained, members=1)
    assert seen.seconds_left([trained], [], [run()]) == 50 + 3 + 100 + 2 * 5
    assert seen.seconds_left([trained], [], [run(done=60)]) == 50 + 3 + 40 + 5


def test_runs_elsewhere_take_no_place_here(run):
    seen = Outlook(jobs=1, members=None)
    assert seen.seconds_left([run(left=50.0)], [run(left=20.0)], []) == 50.0
    assert seen.seconds_left([run(left=50.0)], [run(left=70.0)], []) == 70.0


def test_an_ensemble_that_waits_takes_its_updates_once(run):
    seen = Outlook(jobs=1, members=None)
    trained = [run(left=10.0, times=TIMES, engine="ensemble") for _ in range(3)]
    for one in trained:
        seen.note(one, members=3)
    waiting = [run(engine="ensemble") for _ in range(3)]
    assert seen.seconds_left([], [], waiting) == 3 + 100 + 3 * 2 * 5


def test_the_estimate_is_told_once_after_a_few_updates(clock):
    seen = Outlook(jobs=2, members=None)
    assert seen.estimate(None, runs=4) == ""
    assert seen.estimate(600.0, runs=4) == ""
    clock[0] += 3.5
    assert seen.estimate(600.0, runs=4) == "about 10 minutes for 4 runs on this machine, 2 at a time"
    assert seen.estimate(600.0, runs=4) == ""


@pytest.mark.parametrize(("seconds", "runs"), [(5.0, 4), (600.0, 1)])
def test_what_is_short_or_one_run_needs_no_estimate(seconds, runs, clock):
    seen = Outlook(jobs=2, members=None)
    seen.estimate(seconds, runs=runs)
    clock[0] += 3.5
    assert seen.estimate(seconds, runs=runs) == ""
