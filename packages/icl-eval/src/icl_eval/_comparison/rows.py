"""A comparison as rows of its files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from icl_eval._comparison.difference import welch
from icl_eval._comparison.measured import AreaTest, CrossingTest
from icl_eval._comparison.sides import Floats, Pair, Side
from icl_eval._tables.files import Row

__all__ = ["Compared", "curve_rows", "difference_rows", "test_rows"]


@dataclass(frozen=True, eq=False)
class Compared:
    """One metric of both sides, compared.

    Attributes:
        pair: its values.
        area: the test of the means over training.
        crossing: the test of the update at which the threshold is passed; None for a metric that has none.
    """

    pair: Pair
    area: AreaTest
    crossing: CrossingTest | None


def curve_rows(ours: Side, theirs: Side, compared: Sequence[Compared]) -> list[Row]:
    """What is drawn: each run at each step, and the means (run ``mean``)."""
    rows: list[Row] = []
    for one in compared:
        for role, side, values in (("ours", ours, one.pair.ours), ("theirs", theirs, one.pair.theirs)):
            lines = [*zip((member.name for member in side.members), values, strict=True), ("mean", values.mean(0))]
            rows += [
                {
                    "metric": one.pair.metric,
                    "side": role,
                    "name": side.name,
                    "run": run,
                    "step": int(step),
                    "value": float(value),
                }
                for run, line in lines
                for step, value in zip(one.pair.steps, line, strict=True)
            ]
    return rows


def difference_rows(compared: Sequence[Compared]) -> list[Row]:
    """Means at each common step and their difference, ours minus theirs, with Welch's 95% interval over runs."""
    rows: list[Row] = []
    for one in compared:
        found = welch(one.pair.ours, one.pair.theirs)
        columns = (found.first, found.second, found.difference, found.low, found.high)
        for step, *values in zip(one.pair.steps, *columns, strict=True):
            cells = [None if np.isnan(value) else float(value) for value in values]
            names = ("mean_ours", "mean_theirs", "difference", "low", "high")
            rows.append({"metric": one.pair.metric, "step": int(step), **dict(zip(names, cells, strict=True))})
    return rows


def test_rows(compared: Sequence[Compared]) -> list[Row]:
    """A row for each test. Crossings are medians, in updates; a median or bound behind the last step is empty."""
    rows: list[Row] = []
    for one in compared:
        sizes = {"runs_ours": len(one.pair.ours), "runs_theirs": len(one.pair.theirs)}
        area = one.area
        rows.append(
            {
                "metric": one.pair.metric,
                "test": "mean over training",
                **sizes,
                "ours": area.ours,
                "theirs": area.theirs,
                "difference": area.difference,
                "low": area.low,
                "high": area.high,
                **_of_test(area),
                "threshold": None,
                "never_ours": None,
                "never_theirs": None,
                "last_step": int(one.pair.steps[-1]),
            }
        )
        if one.crossing is not None:
            rows.append({"metric": one.pair.metric, "test": "crossing", **sizes, **_crossing_cells(one.crossing)})
    return rows


def _of_test(test: AreaTest | CrossingTest) -> Row:
    return {
        "p": test.p,
        "smallest_p": test.smallest_p,
        "ways": test.ways,
        "exact": test.exact,
        "detectable": test.detectable,
    }


def _crossing_cells(test: CrossingTest) -> Row:
    shift = test.shift
    bounds = (None, None, None) if shift is None else (shift.estimate, shift.low, shift.high)
    return {
        "ours": _finite(_median(test.ours)),
        "theirs": _finite(_median(test.theirs)),
        **dict(zip(("difference", "low", "high"), map(_finite, bounds), strict=True)),
        **_of_test(test),
        "threshold": test.threshold,
        "never_ours": int(np.isinf(test.ours).sum()),
        "never_theirs": int(np.isinf(test.theirs).sum()),
        "last_step": int(test.last),
    }


def _median(times: Floats) -> float:
    with np.errstate(invalid="ignore"):
        return float(np.median(times))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
