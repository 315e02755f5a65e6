"""Seconds of a piece of work on a device."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import TypeVar

import torch

__all__ = ["Clock", "seconds_of"]

T = TypeVar("T")
_ENOUGH_SECONDS, _MOST_ROUNDS = 0.1, 50
_CALLS_ON_A_GPU = 10  # in a row, so that the device and not the host that calls it is timed


class Clock:
    """Times pieces of work by what the device takes, which on CUDA its own events say.

    Args:
        device: where the work is done.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.seconds: dict[str, list[float]] = {}

    def __call__(self, name: str, work: Callable[[], T]) -> T:
        """Do some work, and note what it took.

        Args:
            name: what it is noted under.
            work: what is done.
        """
        if self._device.type != "cuda":
            started = time.perf_counter()
            found = work()
            self._note(name, time.perf_counter() - started)
            return found
        events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]  # type: ignore[no-untyped-call]
        events[0].record()
        found = work()
        events[1].record()
        torch.cuda.synchronize(self._device)
        self._note(name, events[0].elapsed_time(events[1]) / 1e3)
        return found

    def median(self, name: str) -> float:
        """Of what was noted under a name."""
        return statistics.median(self.seconds[name])

    def _note(self, name: str, seconds: float) -> None:
        self.seconds.setdefault(name, []).append(seconds)


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """The time of a call that little else disturbed: the shortest of some, after one that allocates memory.

    Args:
        work: what is called.
        device: where it works.
    """
    work()
    clock, calls = Clock(device), _CALLS_ON_A_GPU if device.type == "cuda" else 1

    def several() -> None:
        for _ in range(calls):
            work()

    while True:
        clock("work", several)
        times = clock.seconds["work"]
        if len(times) >= _MOST_ROUNDS or (len(times) >= 5 and sum(times) >= _ENOUGH_SECONDS):
            return min(times) / calls
