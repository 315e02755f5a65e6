"""Which drawing of its class each position shows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from icl_data._categorical import Ints, repeats


def draw_exemplars(rng: np.random.Generator, groups: Ints, n_exemplars: int) -> Ints:
    """Draw exemplars without replacement within each group of positions.

    A group with more positions than exemplars, which only coincidence can bring about, starts over with all of them.

    Args:
        rng: source of randomness.
        groups: (rows, L) numbers; positions of one row with the same number form a group.
        n_exemplars: exemplars to choose from.

    Returns:
        (rows, L) exemplar positions.
    """
    if n_exemplars == 1:
        return np.zeros(groups.shape, dtype=np.int64)
    if groups.shape[1] > n_exemplars:
        groups = groups * groups.shape[1] + _appearances(groups) // n_exemplars
    base = groups * n_exemplars
    drawn = rng.integers(n_exemplars, size=groups.shape)
    rest = np.arange(len(groups))
    again = repeats(base + drawn)
    # Redrawing all repeats at once treats all exemplars alike, so every choice without repeats stays equally likely.
    while True:
        kept = again.any(axis=1)
        if not kept.any():
            return drawn
        rest, again = rest[kept], again[kept]
        part = drawn[rest]
        part[again] = rng.integers(n_exemplars, size=int(again.sum()))
        drawn[rest] = part
        again = repeats(base[rest] + part)


def _appearances(groups: Ints) -> npt.NDArray[np.int64]:
    """How often a position's group already occurred further left."""
    count = np.zeros(groups.shape, dtype=np.int64)
    for distance in range(1, groups.shape[1]):
        count[:, distance:] += groups[:, distance:] == groups[:, :-distance]
    return count
