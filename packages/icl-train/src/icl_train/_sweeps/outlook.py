"""How long a sweep still takes, from what its runs say of themselves while they are trained."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from icl_train._runs.pace import WORTH_ESTIMATING, duration_text
from icl_train._sweeps.cost import seconds_left
from icl_train._sweeps.estimate import Left, Timing, as_ensembles, expected_times
from icl_train._sweeps.watched import Watched

__all__ = ["Outlook"]

_SECONDS_OF_UPDATES = 3.0  # before the first estimate


class Outlook:
    """What was measured of the runs of a sweep, and the time that follows from it.

    Args:
        jobs: runs, or ensembles, at a time.
        members: runs of an ensemble at most; None for all that can be one.
    """

    def __init__(self, *, jobs: int, members: int | None) -> None:
        self._jobs, self._members = jobs, members
        self._timings: dict[Path, Timing] = {}
        self._due: float | None = None
        self._told = False

    def note(self, one: Watched, *, members: int) -> None:
        """Take note of what a run says that its pieces take.

        Args:
            one: the run.
            members: how many runs are trained with it as one, itself included.
        """
        if one.view.times is not None:
            self._timings[one.run.path] = Timing(one.run.config, one.view.times, members)

    def seconds_left(
        self, running: Sequence[Watched], elsewhere: Sequence[Watched], waiting: Sequence[Watched]
    ) -> float | None:
        """Time until the last run is done; None before enough was measured.

        Args:
            running, elsewhere: what is trained here, and by other processes.
            waiting: what is not trained yet.
        """
        teams = as_ensembles([_left(one) for one in waiting], members=self._members)
        here, others = ([self._needs(one) for one in some] for some in (running, elsewhere))
        known = [[each for each in some if each is not None] for some in (here, others, map(self._will_need, teams))]
        if sum(map(len, known)) < len(running) + len(elsewhere) + len(teams):
            return None
        return max([seconds_left(known[0], known[2], self._jobs), *known[1]])

    def estimate(self, seconds: float | None, *, runs: int) -> str:
        """How long it all takes, as a run says it of itself: once, when a few updates were timed, and else nothing.

        Args:
            seconds: that are left, if that is known.
            runs: that are not done.
        """
        if seconds is None or self._told:
            return ""
        if self._due is None:
            self._due = time.monotonic() + _SECONDS_OF_UPDATES
        if time.monotonic() < self._due:
            return ""
        self._told = True
        if seconds < WORTH_ESTIMATING or runs < 2:
            return ""
        return f"about {duration_text(seconds)} for {runs} runs on this machine, {min(self._jobs, runs)} at a time"

    def _needs(self, one: Watched) -> float | None:
        """Seconds that a run still needs that is trained."""
        return self._will_need(_left(one)) if one.view.seconds_left is None else one.view.seconds_left

    def _will_need(self, one: Left) -> float | None:
        """Seconds that a run, or an ensemble, will need that waits."""
        times = expected_times(one.config, self._timings.values(), one.members)
        return None if times is None else times.from_the_start(one.work)


def _left(one: Watched) -> Left:
    return Left(one.run.config, one.done, one.run.config.train.device, one.run.threads)
