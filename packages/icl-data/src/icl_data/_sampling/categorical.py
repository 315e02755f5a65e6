"""Weighted draws of many small samples at once, at a cost that hardly depends on the number of classes.

Samples are columns: an array of k positions of each of m sequences has shape (k, m), so that what is done to one
position of all sequences runs along memory.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
_REJECTION_ROUNDS = 6
# Below this, what exclusions leave of 1 has lost too many digits to be divided up.
_LEAST_LEFT = 1e-12


def repeats(values: Ints) -> npt.NDArray[np.bool_]:
    """(k, m) marks of the values that already occur further up in their column."""
    found = np.zeros(values.shape, dtype=np.bool_)
    for distance in range(1, len(values)):
        found[distance:] |= values[distance:] == values[:-distance]
    return found


class Categorical:
    """Draws positions 0..n-1 with given probabilities.

    Args:
        weights: (n,) probabilities, adding up to 1.

    Attributes:
        n: number of positions.
        uniform: whether all are equally likely.
    """

    def __init__(self, weights: npt.NDArray[np.float64]) -> None:
        self.weights = weights
        self.n = len(weights)
        self.uniform = self.n > 0 and bool((weights == weights[0]).all())
        self._cumulative = weights.cumsum()
        if self.n:
            self._cumulative /= self._cumulative[-1]
        self._start = np.concatenate([[0.0], self._cumulative[:-1]])
        self._width = self._cumulative - self._start
        if not self.uniform:
            self.accept, self.alias = _alias_table(weights)

    def draw(self, rng: np.random.Generator, shape: int | tuple[int, ...]) -> Ints:
        """Independent draws, by the alias method (Walker 1977): one look-up whatever the number of classes."""
        if self.uniform:
            return rng.integers(self.n, size=shape)
        place = rng.random(shape) * self.n
        drawn = place.astype(np.int64)
        place -= drawn
        return np.where(place < self.accept[drawn], drawn, self.alias[drawn])

    def sample(self, rng: np.random.Generator, k: int, m: int, *, distinct: bool) -> Ints:
        """(k, m) draws, without replacement within a column if `distinct`."""
        return self.draw_distinct(rng, k, m) if distinct else self.draw(rng, (k, m))

    def draw_distinct(self, rng: np.random.Generator, k: int, m: int) -> Ints:
        """(k, m) draws, each column one after the other without replacement, as `numpy.random.choice` defines it.

        Repeats are drawn anew. A value that is given up because an earlier position holds it stays taken for all later
        positions, whatever happens in between, so redrawing all repeats at once leaves the distribution as it is.
        """
        drawn = self.draw(rng, (k, m))
        again = repeats(drawn)
        rest = np.flatnonzero(again.any(axis=0))
        part, again = drawn[:, rest], again[:, rest]
        for _ in range(_REJECTION_ROUNDS):
            if len(rest) == 0:
                return drawn
            part[again] = self.draw(rng, int(np.count_nonzero(again)))
            drawn[:, rest] = part
            again = repeats(part)
            left = np.flatnonzero(again.any(axis=0))
            rest, part, again = rest[left], part[:, left], again[:, left]
        # Few classes or a steep skew: go through the positions in order, with no more rejections.
        for position in range(1, k):
            earlier = part[:position]
            taken = np.flatnonzero((earlier == part[position]).any(axis=0))
            if len(taken):
                part[position, taken] = self.draw_excluding(rng, earlier[:, taken])
        drawn[:, rest] = part
        return drawn

    def draw_excluding(self, rng: np.random.Generator, excluded: Ints) -> Ints:
        """(m,) draws, each avoiding the distinct positions in its column of `excluded` (j, m)."""
        excluded = np.sort(excluded, axis=0)
        widths, starts = self._width[excluded], self._start[excluded]
        left = 1 - widths.sum(axis=0)
        u = rng.random(excluded.shape[1]) * left
        for start, width in zip(starts, widths, strict=True):  # step over the excluded stretches of [0, 1), in order
            u += np.where(u >= start, width, 0.0)
        drawn = np.minimum(self._cumulative.searchsorted(u, side="right"), self.n - 1)
        # Rounding can land on an edge, or leave nothing of tiny weights: renormalise those few columns exactly.
        rounded = (drawn == excluded).any(axis=0) | (self.weights[drawn] == 0) | (left < _LEAST_LEFT)
        for column in np.flatnonzero(rounded):
            weights = self.weights.copy()
            weights[excluded[:, column]] = 0
            drawn[column] = rng.choice(self.n, p=weights / weights.sum())
        return np.asarray(drawn, dtype=np.int64)


def _alias_table(weights: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], Ints]:
    """(n,) chance of keeping a uniformly drawn position, and (n,) position to take instead."""
    n = len(weights)
    # What rounding leaves over keeps its position, unless it can never be drawn.
    accept = (weights > 0).astype(np.float64)
    alias = np.full(n, weights.argmax() if n else 0, dtype=np.int64)
    share = (weights * n).tolist()
    small = [position for position in range(n) if share[position] < 1]
    large = [position for position in range(n) if share[position] >= 1]
    while small and large:
        low, high = small.pop(), large[-1]
        accept[low], alias[low] = share[low], high
        share[high] -= 1 - share[low]
        if share[high] < 1:
            small.append(large.pop())
    return accept, alias
