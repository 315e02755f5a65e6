"""What a test with so few runs would notice: found by simulation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icl_eval._comparison.permutation import permutation_p, smallest_p, ways_to_divide
from icl_eval._comparison.sides import Floats

__all__ = ["LEVEL", "POWER", "detectable_difference", "detectable_shift", "pooled_spread"]

LEVEL, POWER = 0.05, 0.8
_EXPERIMENTS, _WAYS = 1000, 2000
_LARGEST = 64.0  # in standard deviations: no experiment has that


@dataclass(frozen=True)
class _Simulation:
    n_first: int
    n_second: int
    seed: int
    measured: Callable[[Floats, Floats], Floats]  # of both groups (runs, experiments): what is tested


def pooled_spread(first: npt.ArrayLike, second: npt.ArrayLike) -> float | None:
    """The standard deviation within groups; None where neither has two runs.

    Args:
        first, second: a number for each run.
    """
    groups = [np.asarray(group, dtype=np.float64) for group in (first, second)]
    freedom = sum(len(group) - 1 for group in groups)
    if freedom == 0:
        return None
    return float(np.sqrt(sum(((group - group.mean()) ** 2).sum() for group in groups) / freedom))


def detectable_difference(n_first: int, n_second: int, spread: float, *, seed: int) -> float | None:
    """The smallest difference of means that the test finds (p < .05) in 80 of 100 experiments.

    Args:
        n_first, n_second: runs of each group.
        spread: standard deviation of a run within its group; values are drawn normal.
        seed: of the simulation.

    Returns:
        The difference, or None: these numbers of runs cannot reach p < .05.
    """
    found = _smallest(_Simulation(n_first, n_second, seed, lambda first, second: np.concatenate((first, second))))
    return None if found is None else found * spread


def detectable_shift(
    n_first: int, n_second: int, spread: float, *, earlier: float, steps: Floats, seed: int
) -> float | None:
    """The smallest delay of a crossing that the test on ranks finds (p < .05) in 80 of 100 experiments.

    Crossings are drawn normal, seen at the next of ``steps``, and behind the last not at all, as the observed ones.

    Args:
        n_first, n_second: runs of each group.
        spread: standard deviation of a crossing within its group, in updates.
        earlier: mean crossing of the group that is not delayed, in updates.
        steps: (T,) where runs were evaluated.
        seed: of the simulation.

    Returns:
        The delay in updates, or None: these numbers of runs cannot reach p < .05, or never do before the last step.
    """
    from scipy.stats import rankdata

    seen_at = np.append(steps, np.inf)

    def ranks(first: Floats, second: Floats) -> Floats:
        crossings = earlier + spread * np.concatenate((first, second))
        seen = seen_at[np.searchsorted(steps, crossings)]
        ranked: Floats = rankdata(seen, axis=0)
        return ranked

    found = _smallest(_Simulation(n_first, n_second, seed, ranks))
    return None if found is None else found * spread


def _smallest(simulation: _Simulation) -> float | None:
    """The smallest shift, in standard deviations, that is found often enough."""
    n_first, n_second = simulation.n_first, simulation.n_second
    if smallest_p(n_first, n_second) >= LEVEL:
        return None
    rng = np.random.default_rng(simulation.seed)
    ways = ways_to_divide(n_first, n_second, rng=rng, most=_WAYS)
    # The same noise for every shift, so that a larger one is found no less often.
    first, second = rng.standard_normal((n_first, _EXPERIMENTS)), rng.standard_normal((n_second, _EXPERIMENTS))

    def is_found(shift: float) -> bool:
        p = permutation_p(simulation.measured(first + shift, second), n_first, ways)
        return bool((p < LEVEL).mean() >= POWER)

    low, high = 0.0, 1.0
    while not is_found(high):
        low, high = high, 2 * high
        if high > _LARGEST:
            return None
    while high - low > 0.01 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if is_found(middle) else (middle, high)
    return high
