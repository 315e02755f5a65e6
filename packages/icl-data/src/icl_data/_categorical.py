"""Weighted draws of many small samples at once, at a cost that hardly depends on the number of classes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
_REJECTION_ROUNDS = 6


def repeats(values: Ints) -> npt.NDArray[np.bool_]:
    """(rows, k) marks of the values that already occur further left in their row."""
    found = np.zeros(values.shape, dtype=np.bool_)
    for distance in range(1, values.shape[1]):
        found[:, distance:] |= values[:, distance:] == values[:, :-distance]
    return found


class Categorical:
    """Draws positions 0..n-1 with given probabilities.

    Args:
        weights: (n,) probabilities, adding up to 1.
    """

    def __init__(self, weights: npt.NDArray[np.float64]) -> None:
        self.weights = weights
        self.n = len(weights)
        self._uniform = self.n > 0 and bool((weights == weights[0]).all())
        self._cumulative = weights.cumsum()
        if self.n:
            self._cumulative /= self._cumulative[-1]
        self._start = np.concatenate([[0.0], self._cumulative[:-1]])
        self._width = self._cumulative - self._start

    def draw(self, rng: np.random.Generator, shape: int | tuple[int, ...]) -> Ints:
        """Independent draws."""
        if self._uniform:
            return rng.integers(self.n, size=shape)
        return np.asarray(self._cumulative.searchsorted(rng.random(shape), side="right"), dtype=np.int64)

    def sample(self, rng: np.random.Generator, rows: int, k: int, *, distinct: bool) -> Ints:
        """(rows, k) draws, without replacement within a row if `distinct`."""
        return self.draw_distinct(rng, rows, k) if distinct else self.draw(rng, (rows, k))

    def draw_distinct(self, rng: np.random.Generator, rows: int, k: int) -> Ints:
        """(rows, k) draws, each row one after the other without replacement, as `numpy.random.choice` defines it.

        Repeats are drawn anew. A value that is given up because an earlier position holds it stays taken for all later
        positions, whatever happens in between, so redrawing all repeats at once leaves the distribution as it is.
        """
        drawn = self.draw(rng, (rows, k))
        again = repeats(drawn)
        for _ in range(_REJECTION_ROUNDS):
            rest = np.flatnonzero(again.any(axis=1))
            if len(rest) == 0:
                return drawn
            part, marks = drawn[rest], again[rest]
            part[marks] = self.draw(rng, int(marks.sum()))
            drawn[rest], again[rest] = part, repeats(part)
        # Few classes or a steep skew: go through the positions in order, with no more rejections.
        rest = np.flatnonzero(again.any(axis=1))
        part = drawn[rest]
        for position in range(1, k):
            earlier = part[:, :position]
            taken = np.flatnonzero((earlier == part[:, position, None]).any(axis=1))
            if len(taken):
                part[taken, position] = self.draw_excluding(rng, earlier[taken])
        drawn[rest] = part
        return drawn

    def draw_excluding(self, rng: np.random.Generator, excluded: Ints) -> Ints:
        """(m,) draws, each avoiding the distinct positions in its row of `excluded` (m, j)."""
        excluded = np.sort(excluded, axis=1)
        widths, starts = self._width[excluded], self._start[excluded]
        u = rng.random(len(excluded)) * (1 - widths.sum(axis=1))
        for column in range(excluded.shape[1]):  # step over the excluded stretches of [0, 1), left to right
            u += np.where(u >= starts[:, column], widths[:, column], 0.0)
        drawn = np.minimum(self._cumulative.searchsorted(u, side="right"), self.n - 1)
        # Rounding can land on an edge, or leave nothing of tiny weights: renormalise those few rows exactly.
        for row in np.flatnonzero((drawn[:, None] == excluded).any(axis=1) | (self.weights[drawn] == 0)):
            weights = self.weights.copy()
            weights[excluded[row]] = 0
            drawn[row] = rng.choice(self.n, p=weights / weights.sum())
        return np.asarray(drawn, dtype=np.int64)
