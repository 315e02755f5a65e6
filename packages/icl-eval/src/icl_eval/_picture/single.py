"""Lines of single runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from icl_eval._picture.picture import Line, LineKind, Mark
from icl_eval._picture.series import Series

__all__ = ["line_of_run", "points_of_runs"]


def line_of_run(
    run: str,
    series: Series,
    *,
    label: str,
    hue: int,
    kind: LineKind,
    settings: Mapping[str, Any],
    marks: Sequence[Mark] = (),
    points: Sequence[tuple[int, str]] = (),
) -> Line:
    """One run over training, with the interval of each measurement where it is not one of many.

    Args:
        run: its name.
        series: what it recorded.
        label, hue, kind, settings, marks, points: see `Line`.
    """
    nothing = np.full(len(series.steps), np.nan)
    return Line(
        label=label,
        hue=hue,
        x=series.steps.astype(float),
        y=series.values,
        low=nothing if kind == "run" else series.low,
        high=nothing if kind == "run" else series.high,
        n_runs=np.ones(len(series.steps), dtype=np.int64),
        n_sequences=series.n_sequences,
        chance=np.full(len(series.steps), series.chance),
        settings=settings,
        kind=kind,
        marks=tuple(marks),
        points=tuple(points),
        run=run,
    )


def points_of_runs(
    series: Sequence[Series], at: float, *, hue: int, settings: Mapping[str, Any], marks: Sequence[Mark] = ()
) -> Line:
    """The last values of many runs, as points at one place of an axis.

    Args:
        series: of each run.
        at: the place.
        hue, settings, marks: see `Line`.
    """
    n = len(series)
    nothing = np.full(n, np.nan)
    return Line(
        label="",
        hue=hue,
        x=np.full(n, at),
        y=np.array([one.values[-1] for one in series]),
        low=nothing,
        high=nothing,
        n_runs=np.ones(n, dtype=np.int64),
        n_sequences=np.array([one.n_sequences[-1] for one in series], dtype=np.int64),
        chance=np.array([one.chance for one in series]),
        settings=settings,
        kind="runs",
        marks=tuple(marks),
    )
