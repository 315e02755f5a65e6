"""Differences of two groups of runs, with intervals over seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icl_eval._comparison.permutation import Ways
from icl_eval._comparison.sides import Floats

__all__ = ["Difference", "Shift", "mean_over_training", "shift_of", "welch"]

_TAIL = 0.025  # on each side of a 95% interval


@dataclass(frozen=True, eq=False)
class Difference:
    """Means of two groups and their difference, first minus second; arrays of (...).

    Attributes:
        first, second: means.
        difference: of them.
        low, high: 95% interval (Welch); NaN where a group has but one run.
    """

    first: Floats
    second: Floats
    difference: Floats
    low: Floats
    high: Floats


def welch(first: Floats, second: Floats) -> Difference:
    """The difference of means with Welch's 95% interval: runs are the unit, and groups may spread differently.

    Args:
        first, second: (runs, ...) values.
    """
    from scipy.special import stdtrit

    means = first.mean(0), second.mean(0)
    difference = means[0] - means[1]
    if min(len(first), len(second)) < 2:
        unknown = np.full_like(difference, np.nan)
        return Difference(*means, difference, unknown, unknown)
    errors = [group.var(0, ddof=1) / len(group) for group in (first, second)]
    whole = errors[0] + errors[1]
    spread_out = sum(error**2 / (len(group) - 1) for error, group in zip(errors, (first, second), strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = np.where(whole > 0, whole**2 / spread_out, 1.0)  # where no run differs from another, of no weight
    half = stdtrit(freedom, 1 - _TAIL) * np.sqrt(whole)
    return Difference(*means, difference, difference - half, difference + half)


def mean_over_training(steps: Floats, values: Floats) -> Floats:
    """The area under each run's curve, divided by its length: (runs, T) to (runs,), in the metric's own unit.

    Args:
        steps: (T,) updates.
        values: (runs, T).
    """
    heights = (values[:, 1:] + values[:, :-1]) / 2
    means: Floats = heights @ np.diff(steps) / (steps[-1] - steps[0])
    return means


@dataclass(frozen=True)
class Shift:
    """How much later the first group is than the second; in updates.

    Attributes:
        estimate: the median over pairs of runs (Hodges and Lehmann 1963), two that never got there counting as equal;
            None where most pairs have one that did not.
        low, high: 95% interval; infinite where runs that never got there leave it open, None where so few runs have
            none.
    """

    estimate: float | None
    low: float | None
    high: float | None


def shift_of(first: Floats, second: Floats, ways: Ways) -> Shift:
    """The shift between two groups of times, some of them infinite: never seen.

    The interval inverts the test on ranks: it holds the shifts that this would not refuse. To that test two runs that
    were never seen are equal, and so they are in the estimate; in the interval, as unknown, they are as far apart as
    can be.

    Args:
        first, second: (runs,) times.
        ways: to divide so many runs.
    """
    at_least, at_most = (np.sort(_differences(first, second, unknown), axis=None) for unknown in (-np.inf, np.inf))
    middle = _median(np.sort(_differences(first, second, 0.0), axis=None))
    estimate = middle if np.isfinite(middle) else None
    wins = ways.in_first @ np.arange(1.0, len(first) + len(second) + 1) - len(first) * (len(first) + 1) / 2
    cut = np.sort(wins)[int(_TAIL * len(wins))]  # the smallest count of wins that is not in the tail
    if cut < 1:
        return Shift(estimate, None, None)
    return Shift(estimate, float(at_least[int(cut) - 1]), float(at_most[len(at_most) - int(cut)]))


def _differences(first: Floats, second: Floats, unknown: float) -> Floats:
    with np.errstate(invalid="ignore"):
        differences = first[:, None] - second[None, :]
    return np.where(np.isnan(differences), unknown, differences)


def _median(ordered: Floats) -> float:
    middle = len(ordered) // 2
    if len(ordered) % 2 or ordered[middle - 1] == ordered[middle]:
        return float(ordered[middle])
    return float(ordered[middle - 1] + ordered[middle]) / 2
