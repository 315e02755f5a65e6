"""Learning in context that comes and goes: its peak on curves, and a row of numbers for each run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from icl_eval._picture.fading import fall, half_life, peak, peak_step
from icl_eval._picture.groups import Group
from icl_eval._picture.measures import measure_of
from icl_eval._picture.picture import Panel
from icl_eval._picture.runs import RunSettings, values_of
from icl_eval._picture.series import series_of
from icl_eval._picture.values import short_setting, shown

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NOTE", "peak_rows", "with_peaks"]

NOTE = "Rings: peaks of the means."


def with_peaks(panel: Panel, measure: str) -> Panel:
    """A panel with a mark where the curves of a measure are highest; those of others stay as they are."""
    lines = tuple(
        replace(line, points=((int(line.y.argmax()), "peak"),)) if (line.measure or panel.y.name) == measure else line
        for line in panel.lines
    )
    return replace(panel, lines=lines)


def peak_rows(
    table: pd.DataFrame, measure: str, runs: RunSettings, groups: Sequence[Group], hue: str | None = None
) -> tuple[dict[str, Any], ...]:
    """A row for each run: its peak, when that was, the fall after it and the half-life.

    Args:
        table: tidy table of runs.
        measure: of learning in context.
        runs: settings by run.
        groups: runs that stand together, panel by panel.
        hue: setting that tells lines apart; None for none.
    """
    series = series_of(table, measure_of(measure))
    rows = []
    for group in groups:
        for value in values_of(runs, hue, group.runs) if hue else [None]:
            for run in group.runs:
                if run not in series or (hue and runs[run].get(hue) != value):
                    continue
                one = series[run]
                points = list(zip(one.steps.tolist(), one.values.tolist(), strict=True))
                top, half = peak_step(points), half_life(points, chance=one.chance)
                seen = f"over {points[-1][0] - top:,}" if half == math.inf else f"{half:,.0f}"
                rows.append(
                    {
                        "run": run,
                        **({"panel": group.title} if group.title else {}),
                        **({short_setting(hue): shown(value, hue)} if hue else {}),
                        "peak ICL": f"{peak(points):.3f}",
                        "at update": f"{top:,}",
                        "fall after": f"{fall(points):.3f}",
                        "half-life": "" if peak(points) <= one.chance else seen,
                    }
                )
    return tuple(rows)
