"""Runs as one side of a comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from icl_eval._comparison.sides import Member, Side
from icl_eval._runs import RunSeries, run_names

__all__ = ["side_of"]

_NO_METRIC = {"step", "sequences", "chance", "n_sequences"}


def side_of(series: Sequence[RunSeries], *, name: str) -> Side:
    """Runs that differ in seeds alone, by seed, with everything that they measured.

    Args:
        series: the runs; at least one.
        name: what the side is called.
    """
    in_order = sorted(series, key=lambda one: (one.seed, one.run.config.seeds.init, one.run.path))
    names = run_names([one.run for one in in_order])
    members = tuple(_member(one, of_run) for one, of_run in zip(in_order, names, strict=True))
    chance: dict[str, float] = {}
    for one in in_order:
        for evaluation in one.evaluations:
            for split, record in evaluation.splits.items():
                chance[f"eval_{split}/{record['headline']}"] = float(record["chance"])
    return Side(name, members, headlines=tuple(chance), chance=chance)


def _member(series: RunSeries, name: str) -> Member:
    metrics: dict[str, dict[int, float]] = {}
    for record in series.run.records():
        for metric, value in record.items():
            if _is_measured(metric, value):
                metrics.setdefault(f"{record['split']}/{metric}", {})[record["step"]] = float(value)
    return Member(name, metrics, averaged_over=series.run.config.train.log_interval)


def _is_measured(metric: str, value: Any) -> bool:
    """Bounds and counts are no metrics; what was not finite was stored as nothing."""
    if metric in _NO_METRIC or metric.endswith(("_low", "_high")):
        return False
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
