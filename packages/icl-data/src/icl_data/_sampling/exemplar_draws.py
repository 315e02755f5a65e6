"""Which drawing of its class each position shows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from icl_data._sampling.categorical import Ints, repeats


def draw_exemplars(rng: np.random.Generator, groups: Ints, n_exemplars: int) -> Ints:
    """Draw exemplars without replacement within each group of positions.

    A group with more positions than exemplars, which only coincidence can bring about, starts over with all of them.

    Args:
        rng: source of randomness.
        groups: (L, m) numbers; positions of one column with the same number form a group.
        n_exemplars: exemplars to choose from.

    Returns:
        (L, m) exemplar positions.
    """
    if n_exemplars == 1:
        return np.zeros(groups.shape, dtype=np.int64)
    if len(groups) > n_exemplars:
        groups = groups * len(groups) + _appearances(groups) // n_exemplars
    base = groups * n_exemplars
    drawn = rng.integers(n_exemplars, size=groups.shape)
    again = repeats(base + drawn)
    rest = np.flatnonzero(again.any(axis=0))
    base, part, again = base[:, rest], drawn[:, rest], again[:, rest]
    # Redrawing all repeats at once treats all exemplars alike, so every choice without repeats stays equally likely.
    while len(rest):
        part[again] = rng.integers(n_exemplars, size=int(np.count_nonzero(again)))
        drawn[:, rest] = part
        again = repeats(base + part)
        left = np.flatnonzero(again.any(axis=0))
        rest, base, part, again = rest[left], base[:, left], part[:, left], again[:, left]
    return drawn


def _appearances(groups: Ints) -> npt.NDArray[np.int64]:
    """How often a position's group already occurred further up."""
    count = np.zeros(groups.shape, dtype=np.int64)
    for distance in range(1, len(groups)):
        count[distance:] += groups[distance:] == groups[:-distance]
    return count
