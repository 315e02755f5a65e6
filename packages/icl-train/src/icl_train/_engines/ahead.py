"""Batches that a thread draws before they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from icl_data import SequenceBatch

__all__ = ["Ahead"]

_STEPS = 32  # that are drawn at once: a thread that is asked for each would cost more than the batch


class Ahead:
    """A sampler whose next batches are drawn meanwhile, a few dozen steps at a time.

    Args:
        sampler: step → batch, which must not hang on the order of its calls.
    """

    def __init__(self, sampler: Callable[[int], SequenceBatch]) -> None:
        self._sampler = sampler
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="icl-batches")
        self._drawn: dict[int, Future[list[SequenceBatch]]] = {}

    def __call__(self, step: int) -> SequenceBatch:
        """The batch of a step; those of the steps behind it are begun."""
        number = step // _STEPS
        if number not in self._drawn:
            self._drawn = {number: self._begin(number)}
        if number + 1 not in self._drawn:
            self._drawn = {number: self._drawn[number], number + 1: self._begin(number + 1)}
        return self._drawn[number].result()[step % _STEPS]

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(cancel_futures=True)

    def _begin(self, number: int) -> Future[list[SequenceBatch]]:
        first = number * _STEPS
        return self._thread.submit(lambda: [self._sampler(step) for step in range(first, first + _STEPS)])
