"""Means over sequences and their 95% intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit
from torch import Tensor

__all__ = ["Estimates", "Floats", "mean_over"]

Floats = npt.NDArray[np.float64]
Z = 1.959963984540054  # of the normal distribution, two-sided 95%


@dataclass(frozen=True, eq=False)
class Estimates:
    """Numbers of one shape, NaN where there is none.

    Args:
        value: means.
        low, high: 95% intervals of the means; NaN where there is but one number.
        n: how many numbers the means are over: sequences, or labels.
    """

    value: Floats
    low: Floats
    high: Floats
    n: npt.NDArray[np.int64]


def mean_over(values: Tensor, *, few: bool = False) -> Estimates:
    """Means over the first axis without those that are NaN, and normal intervals.

    Args:
        values: (N, ...).
        few: N may be small: intervals by Student's t.
    """
    array = values.double().cpu().numpy()
    there = ~np.isnan(array)
    n = there.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(there, array, 0).sum(0) / n
        spread = np.where(there, array - mean, 0)
        half = (stdtrit(n - 1, 0.975) if few else Z) * np.sqrt((spread**2).sum(0) / (n - 1) / n)
    half = np.where(n > 1, half, np.nan)
    return Estimates(mean, mean - half, mean + half, n.astype(np.int64))
