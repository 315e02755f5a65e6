"""Weighted draws from a legacy NumPy stream, equal to `RandomState.choice` but without its work per call."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class ReleasedChoice:
    """Positions 0..n-1, drawn with replacement by comparing uniform numbers with the cumulative weights.

    Args:
        weights: (n,) probabilities.
        stream: where the uniform numbers come from.
    """

    def __init__(self, weights: Floats, stream: np.random.RandomState) -> None:
        self.weights = weights
        self._random = stream.random_sample
        self._cumulative = _cumulative(weights)
        self._as_list = self._cumulative.tolist()

    def few(self, n: int) -> list[int]:
        """Some draws, one by one, which is faster up to a handful."""
        cumulative, uniform = self._as_list, self._random
        return [bisect_right(cumulative, uniform()) for _ in range(n)]

    def many(self, n: int) -> Ints:
        """(n,) draws."""
        return np.asarray(self._cumulative.searchsorted(self._random(n), side="right"), dtype=np.int64)

    def many_but(self, excluded: int, n: int) -> Ints:
        """(n,) draws among the other positions, by their renormalised weights."""
        cumulative = self._cumulative_but_one if self._uniform else self._cumulative_but(excluded)
        drawn = np.asarray(cumulative.searchsorted(self._random(n), side="right"), dtype=np.int64)
        drawn += drawn >= excluded
        return drawn

    def _cumulative_but(self, excluded: int) -> Floats:
        weights = np.concatenate([self.weights[:excluded], self.weights[excluded + 1 :]])
        return _cumulative(weights / weights.sum())

    @cached_property
    def _uniform(self) -> bool:
        return bool((self.weights == self.weights[0]).all())

    @cached_property
    def _cumulative_but_one(self) -> Floats:
        return self._cumulative_but(0)


def _cumulative(weights: Floats) -> Floats:
    cumulative = weights.cumsum()
    return np.asarray(cumulative / cumulative[-1]) if len(weights) else cumulative
