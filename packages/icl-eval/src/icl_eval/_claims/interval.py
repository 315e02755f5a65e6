"""The mean of a few seeds, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import mean, stdev

__all__ = ["mean_with_interval"]

# Student's t at .975, by degrees of freedom; beyond, the expansion below is right to four digits.
_T = (
    *(12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281),
    *(2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860),
)
_NORMAL = 1.959963984540054


def mean_with_interval(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """The mean, and the ends of its 95% interval by Student's t; None for these where one value tells of no spread.

    Args:
        values: one a seed, at least one.
    """
    centre = mean(values)
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return centre, None, None
    half = _quantile(len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return centre, centre - half, centre + half


def _quantile(freedom: int) -> float:
    if freedom <= len(_T):
        return _T[freedom - 1]
    z = _NORMAL  # Abramowitz and Stegun 26.7.5
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
