"""The mean of a few seeds, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import mean, stdev

__all__ = ["mean_with_interval"]


def mean_with_interval(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """The mean, and the ends of its 95% interval by Student's t; None for these where one value tells of no spread.

    Args:
        values: one a seed, at least one.
    """
    centre = mean(values)
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return centre, None, None
    from scipy.special import stdtrit  # waits for the first interval: help and mistakes need none

    half = float(stdtrit(len(values) - 1, 0.975)) * stdev(values) / math.sqrt(len(values))
    return centre, centre - half, centre + half
