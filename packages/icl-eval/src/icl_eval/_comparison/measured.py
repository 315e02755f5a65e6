"""The two tests of one metric: its mean over training, and the update at which it passes a threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icl_eval._comparison.crossing import crossings, falls
from icl_eval._comparison.difference import Shift, mean_over_training, shift_of, welch
from icl_eval._comparison.permutation import Ways, permutation_p, ways_to_divide
from icl_eval._comparison.power import detectable_difference, detectable_shift, pooled_spread
from icl_eval._comparison.sides import Floats, Pair

__all__ = ["AreaTest", "CrossingTest", "area_test", "crossing_test"]


@dataclass(frozen=True, eq=False)
class AreaTest:
    """The test of the areas under the curves, as means over training.

    Attributes:
        ours, theirs: mean over runs.
        difference: ours minus theirs.
        low, high: its 95% interval over runs (Welch); None where a side has but one.
        p: two-sided, by permutation of runs.
        ways: how many divisions of the runs it counts.
        exact: these are all that there are.
        smallest_p: what these numbers of runs can reach.
        detectable: difference that would be found in 80 of 100 such experiments; None where none would be, or the
            spread is unknown.
    """

    ours: float
    theirs: float
    difference: float
    low: float | None
    high: float | None
    p: float
    ways: int
    exact: bool
    smallest_p: float
    detectable: float | None


@dataclass(frozen=True, eq=False)
class CrossingTest:
    """The test of the updates at which a threshold is passed, on ranks: runs that never pass it share the last.

    Attributes:
        threshold: the value to pass.
        falling: from above.
        last: the last step that all runs were evaluated at.
        ours, theirs: (runs,) first step beyond the threshold; infinite for a run that was not seen there.
        shift: of ours against theirs; None where no run passed.
        p: two-sided, by permutation of runs; None where no run passed.
        ways, exact, smallest_p: as of `AreaTest`.
        detectable: delay in updates that would be found in 80 of 100 such experiments; None where none would be, or
            the spread is unknown.
    """

    threshold: float
    falling: bool
    last: float
    ours: Floats
    theirs: Floats
    shift: Shift | None
    p: float | None
    ways: int
    exact: bool
    smallest_p: float
    detectable: float | None


def area_test(pair: Pair, *, seed: int) -> AreaTest:
    """Compare the areas under the curves.

    Args:
        pair: one metric of both sides.
        seed: of the divisions that are drawn, where there are too many to count, and of the simulated experiments.
    """
    steps = pair.steps.astype(np.float64)
    ours, theirs = mean_over_training(steps, pair.ours), mean_over_training(steps, pair.theirs)
    ways = _ways(ours, theirs, seed)
    found = welch(ours, theirs)
    spread = pooled_spread(ours, theirs)
    detectable = None if spread is None else detectable_difference(len(ours), len(theirs), spread, seed=seed)
    low, high = (None if np.isnan(bound) else float(bound) for bound in (found.low, found.high))
    return AreaTest(
        ours=float(found.first),
        theirs=float(found.second),
        difference=float(found.difference),
        low=low,
        high=high,
        p=float(permutation_p(np.concatenate((ours, theirs)), len(ours), ways)),
        ways=len(ways.in_first),
        exact=ways.exact,
        smallest_p=ways.smallest_p(),
        detectable=detectable,
    )


def crossing_test(pair: Pair, threshold: float, *, seed: int) -> CrossingTest:
    """Compare the updates at which a threshold is passed.

    Args:
        pair: one metric of both sides.
        threshold: the value to pass.
        seed: as of `area_test`.
    """
    from scipy.stats import rankdata

    steps, falling = pair.steps.astype(np.float64), falls(pair.metric)
    ours, theirs = (crossings(steps, side, threshold, falling=falling) for side in (pair.ours, pair.theirs))
    ways = _ways(ours, theirs, seed)
    times = np.concatenate((ours, theirs))
    p, shift, detectable = None, None, None
    if np.isfinite(times).any():
        p = float(permutation_p(rankdata(times), len(ours), ways))  # infinite times tie for the last rank
        shift = shift_of(ours, theirs, ways)
        detectable = _detectable(ours, theirs, steps, seed)
    return CrossingTest(
        threshold=threshold,
        falling=falling,
        last=float(steps[-1]),
        ours=ours,
        theirs=theirs,
        shift=shift,
        p=p,
        ways=len(ways.in_first),
        exact=ways.exact,
        smallest_p=ways.smallest_p(),
        detectable=detectable,
    )


def _ways(ours: Floats, theirs: Floats, seed: int) -> Ways:
    return ways_to_divide(len(ours), len(theirs), rng=np.random.default_rng(seed))


def _detectable(ours: Floats, theirs: Floats, steps: Floats, seed: int) -> float | None:
    """Runs that were never seen beyond the threshold count as seen at the last step, so the spread is a lower bound."""
    seen = [np.minimum(times, steps[-1]) for times in (ours, theirs)]
    spread = pooled_spread(*seen)
    if not spread:
        return None
    earlier = float(min(times.mean() for times in seen))
    return detectable_shift(len(ours), len(theirs), spread, earlier=earlier, steps=steps, seed=seed)
