"""The two sides of a comparison, and the steps at which both have values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icl_data.foundation.command_line import listed, nearest
from icl_eval._picture.measures import SHORT_NAMES

__all__ = ["Floats", "Member", "Pair", "Side", "chosen_metrics", "pair"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Member:
    """One run of a side, one seed of a setting.

    Attributes:
        name: of the run's folder or file.
        metrics: metric, as ``eval_fewshot_holdout/accuracy_closed`` or ``train/loss`` → step (updates) → value.
        averaged_over: updates that its ``train/`` metrics are means over, where that is known.
    """

    name: str
    metrics: Mapping[str, Mapping[int, float]]
    averaged_over: int | None = None


@dataclass(frozen=True, eq=False)
class Side:
    """Runs that differ in seeds alone.

    Attributes:
        name: what the side is called in tables and pictures.
        members: its runs; at least one.
        headlines: the metrics by which its splits are measured, where that is known.
        chance: metric → accuracy of guessing, where that is known.
    """

    name: str
    members: tuple[Member, ...]
    headlines: tuple[str, ...] = ()
    chance: Mapping[str, float] | None = None

    def metrics(self) -> list[str]:
        """The metrics that all of its runs have, in the order of the first."""
        first, *others = self.members
        return [name for name in first.metrics if all(name in other.metrics for other in others)]


@dataclass(frozen=True, eq=False)
class Pair:
    """One metric of both sides at the steps that all runs have.

    Attributes:
        metric: its name.
        steps: (T,) updates, ascending.
        ours, theirs: (runs, T) values.
        steps_left_out: steps at which some run, but not every run, has a value.
    """

    metric: str
    steps: npt.NDArray[np.int64]
    ours: Floats
    theirs: Floats
    steps_left_out: int


def chosen_metrics(ours: Side, theirs: Side, wanted: Sequence[str]) -> list[str]:
    """The metrics to compare: those that are wanted, or the headlines that both sides have.

    Args:
        ours, theirs: the sides.
        wanted: names, with or without ``eval_`` or ``train/``; a split, or its short name (icl, iwl), for its headline;
            none for the headlines.

    Raises:
        ValueError: both sides do not have such a metric.
    """
    of_theirs = set(theirs.metrics())
    both = [name for name in ours.metrics() if name in of_theirs]
    if not both:
        told = " and ".join(
            f"{_few(side.headlines or side.metrics())} of {name}" for side, name in ((ours, "ours"), (theirs, "theirs"))
        )
        raise ValueError(f"both sides must have a metric in common, got {told}")
    if not wanted:
        return [name for name in both if name in ours.headlines] or both
    found = []
    for name in wanted:
        split = f"eval_{SHORT_NAMES.get(name, name).removeprefix('eval_')}"
        meant = [name, f"eval_{name}", f"train/{name}", *(one for one in ours.headlines if one.startswith(f"{split}/"))]
        full = next((one for one in meant if one in both), None)
        if full is None:
            raise ValueError(f"--metric must be of what both sides have ({_few(both)}), got {name}{_hint(name, both)}")
        found.append(full)
    return list(dict.fromkeys(found))


def _few(names: Sequence[str]) -> str:
    return listed(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _hint(name: str, known: Sequence[str]) -> str:
    return nearest(name, known) or nearest(f"eval_{name}", known)


def pair(ours: Side, theirs: Side, metric: str) -> Pair:
    """One metric of both sides.

    Args:
        ours, theirs: the sides; every run has the metric.
        metric: its name.

    Raises:
        ValueError: there are not two steps at which all runs have a value.
    """
    values = [[member.metrics[metric] for member in side.members] for side in (ours, theirs)]
    each = [set(series) for of_side in values for series in of_side]
    steps = sorted(set.intersection(*each))
    if len(steps) < 2:
        raise ValueError(
            f"all runs must have {metric} at two steps in common or more, got {len(steps)} "
            f"({_span(values[0])} of ours, {_span(values[1])} of theirs)"
        )
    first, second = (
        np.array([[series[step] for step in steps] for series in of_side], dtype=np.float64) for of_side in values
    )
    left_out = len(set.union(*each)) - len(steps)
    return Pair(metric, np.array(steps, dtype=np.int64), first, second, left_out)


def _span(values: Sequence[Mapping[int, float]]) -> str:
    steps = sorted(set.union(*map(set, values)))
    return f"steps {steps[0]:,} to {steps[-1]:,}" if steps else "no step"
