"""Learning that comes and goes: its peak, its fall, and how long half of it lasts (Singh et al. 2023)."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["Points", "fall", "half_life", "peak", "peak_step"]

Points = Sequence[tuple[int, float]]
"""(update, value), by update."""


def peak(points: Points) -> float:
    """The greatest value; of noisy measurements it is somewhat too large.

    Args:
        points: (update, value), by update.
    """
    return max(value for _, value in points)


def peak_step(points: Points) -> int:
    """The update at which the greatest value was first reached; argument as of `peak`."""
    return max(points, key=lambda point: (point[1], -point[0]))[0]


def fall(points: Points) -> float:
    """How far the last value is below the greatest; argument as of `peak`."""
    return peak(points) - points[-1][1]


def half_life(points: Points, *, chance: float) -> float:
    """Updates from the peak until half of what was above chance is lost; infinite where that is never seen.

    So it is where nothing was above chance, which could be lost.

    Args:
        points: (update, value), by update.
        chance: what guessing gives.
    """
    if peak(points) <= chance:
        return math.inf
    top, half = peak_step(points), (peak(points) + chance) / 2
    return next((float(step - top) for step, value in points if step > top and value <= half), math.inf)
