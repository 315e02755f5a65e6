"""How fast a run goes, and how long it will take: updates, evaluations and checkpoints are timed apart."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from icl_train._estimate.work import Times, Work

__all__ = ["WORTH_ESTIMATING", "Pace", "clock_text", "duration_text"]

# The first updates allocate memory and load kernels.
_NOT_TIMED = 2
_ENOUGH_STEPS, _ENOUGH_SECONDS = 5, 3.0
_WINDOW = 60.0  # seconds of training that the speed is taken over
_BETWEEN_SAMPLES = 0.5
WORTH_ESTIMATING = 10.0
"""Seconds; what is shorter has ended before its estimate is read."""


class Pace:
    """The times of one run in this process.

    Args:
        first: updates done before.
        last: updates in all.
        left: updates done → what the run still needs then.
        clock: seconds.
    """

    def __init__(
        self,
        first: int,
        last: int,
        *,
        left: Callable[[int], Work],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.first, self.last, self.step = first, last, first
        self._clock = clock
        self._left = left
        self._aside: dict[str, list[float]] = {"evaluation": [], "checkpoint": []}
        self._seconds_aside = 0.0
        self._began = clock()
        self._samples: deque[tuple[float, int]] = deque()

    def training_seconds(self) -> float:
        """Seconds since the beginning without evaluations and checkpoints."""
        return self._clock() - self._began - self._seconds_aside

    @contextmanager
    def aside(self, kind: str) -> Iterator[None]:
        """Within, time is that of an "evaluation" or a "checkpoint"."""
        started = self._clock()
        try:
            yield
        finally:
            seconds = self._clock() - started
            self._seconds_aside += seconds
            self._aside[kind].append(seconds)

    def advance(self, step: int) -> None:
        """``step`` is done."""
        self.step = step
        if step - self.first < _NOT_TIMED:
            return
        now = self.training_seconds()
        if self._samples and now - self._samples[-1][0] < _BETWEEN_SAMPLES:
            return
        if not self._samples:
            self._first_seconds, self._first_steps = now, step - self.first
        self._samples.append((now, step))
        while len(self._samples) > 2 and now - self._samples[1][0] > _WINDOW:
            self._samples.popleft()

    @property
    def steps_per_second(self) -> float | None:
        """Updates per second of training over the last minute; None before there is enough to say."""
        if not self._samples:
            return None
        then, before = self._samples[0]
        seconds, steps = self.training_seconds() - then, self.step - before
        return steps / seconds if steps >= 1 and seconds > 0 else None

    @property
    def is_known(self) -> bool:
        """Whether enough was timed for an estimate of the whole run; once it was, it stays so."""
        if not self._samples:
            return False
        steps = self.step - self.first - self._first_steps
        return steps >= _ENOUGH_STEPS and self.training_seconds() - self._first_seconds >= _ENOUGH_SECONDS

    def times(self) -> Times | None:
        """Seconds of each piece of the run, as far as it has come; None before there is enough to say."""
        speed = self.steps_per_second
        if speed is None:
            return None
        return Times(
            update=1 / speed,
            evaluation=self._mean_aside("evaluation"),
            checkpoint=self._mean_aside("checkpoint"),
            start=max(0.0, self._first_seconds - self._first_steps / speed),
        )

    def measured(self) -> Times | None:
        """The same once it may be multiplied: a single update beside another process's start can take twenty times
        what later ones take, and a run has thousands.
        """
        return self.times() if self.is_known else None

    def seconds_from(self, step: int) -> float | None:
        """How long the run takes from ``step`` to its end, evaluations and checkpoints included, at today's pace; None
        before enough was timed.
        """
        times = self.measured()
        return None if times is None else times.of(self._left(step))

    def seconds_in_all(self) -> float | None:
        """How long it takes from its start in this process; None before enough was timed."""
        times = self.measured()
        return None if times is None else times.from_the_start(self._left(self.first))

    def estimate(self) -> str:
        """One line: how long the run will take on this machine."""
        seconds, speed = self.seconds_in_all(), self.steps_per_second
        if seconds is None or speed is None:
            return ""
        steps = f"{self.last - self.first:,} steps{' more' if self.first else ''}"
        return f"about {duration_text(seconds)} for {steps} at {_few_digits(speed)} steps/s on this machine"

    def _mean_aside(self, kind: str) -> float:
        """Seconds of one; the first allocates memory, and counts where there is no other."""
        each = self._aside[kind]
        known = each[1:] or each
        return sum(known) / len(known) if known else 0.0


def duration_text(seconds: float) -> str:
    """In words, to about one part in ten: `40 seconds`, `9 days`."""
    for unit, size in (("day", 86_400.0), ("hour", 3600.0), ("minute", 60.0)):
        if seconds >= 1.95 * size:
            return f"{round(seconds / size)} {unit}s"
    return f"{max(1, round(seconds))} second{'s' if round(seconds) > 1 else ''}"


def clock_text(seconds: float) -> str:
    """As a clock counts: `2:10`, `1:02:10`; from two days on in days."""
    if seconds >= 2 * 86_400:
        return duration_text(seconds)
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _few_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
