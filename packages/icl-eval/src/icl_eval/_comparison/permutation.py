"""The permutation test of two groups of runs: what would be seen if it were chance which run belongs to which."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np
import numpy.typing as npt

from icl_eval._comparison.sides import Floats

__all__ = ["MOST_WAYS", "Ways", "fewest_that_can", "permutation_p", "smallest_p", "ways_to_divide"]

MOST_WAYS = 200_000
"""Up to 10 runs against 10 all ways are counted; of more, this many are drawn."""


@dataclass(frozen=True, eq=False)
class Ways:
    """Ways to divide runs into two groups.

    Attributes:
        in_first: (ways, runs) 1 where a run is in the first group, 0 elsewhere.
        exact: these are all ways there are, not a sample.
    """

    in_first: Floats
    exact: bool

    def smallest_p(self) -> float:
        """The smallest two-sided p that the test can give with these."""
        count = len(self.in_first)
        return min(1.0, 2 / count if self.exact else 2 / (count + 1))


def ways_to_divide(n_first: int, n_second: int, *, rng: np.random.Generator, most: int = MOST_WAYS) -> Ways:
    """All ways to divide runs into groups of these sizes, or, where these are more than ``most``, ``most`` of them.

    Args:
        n_first, n_second: runs of each group.
        rng: draws the sample.
        most: how many at most.
    """
    n = n_first + n_second
    count = math.comb(n, n_first)
    if count <= most:
        flat = np.fromiter(chain.from_iterable(combinations(range(n), n_first)), np.intp, count * n_first)
        members = flat.reshape(count, n_first)
    else:
        members = rng.random((most, n)).argsort(1)[:, :n_first]
    in_first = np.zeros((len(members), n))
    np.put_along_axis(in_first, members, 1.0, axis=1)
    return Ways(in_first, exact=count <= most)


def permutation_p(values: npt.ArrayLike, n_first: int, ways: Ways) -> Floats:
    """Two-sided p of the difference of the groups' means: twice the smaller tail, ties counted in both.

    As `scipy.stats.permutation_test` has it, for many experiments at once.

    Args:
        values: (runs, ...) a number for each run, those of the first group first; further axes are further experiments.
        n_first: runs of the first group.
        ways: how else they might have been divided.

    Returns:
        (...) the p of each experiment.
    """
    array = np.asarray(values, dtype=np.float64)
    flat = array.reshape(len(array), -1)
    sums = ways.in_first @ flat  # (ways, experiments): with fixed sizes the sum of one group says all
    observed = flat[:n_first].sum(0)
    slack = 1e-12 * np.abs(flat).sum(0)  # sums of the same numbers in another order are the same
    extra = 0 if ways.exact else 1  # a sample lacks the division that was observed
    tails = [np.count_nonzero(tail, axis=0) for tail in (sums <= observed + slack, sums >= observed - slack)]
    p = 2 * (np.minimum(*tails) + extra) / (len(sums) + extra)
    bounded: Floats = np.minimum(p, 1.0).reshape(array.shape[1:])
    return bounded


def smallest_p(n_first: int, n_second: int) -> float:
    """The smallest two-sided p that so many runs can reach, all ways counted."""
    return min(1.0, 2 / math.comb(n_first + n_second, n_first))


def fewest_that_can(n_other: int, *, level: float) -> int:
    """How many runs a group must have beside ``n_other`` so that a p below ``level`` can be reached at all."""
    n = 1
    while smallest_p(n, n_other) >= level:
        n += 1
    return n
