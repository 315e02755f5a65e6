"""In-context against in-weights learning over training: one path a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from icl_eval._figures.curves import ICL, IWL
from icl_eval._picture.axes import measure_axis
from icl_eval._picture.bands import Band, check_band
from icl_eval._picture.groups import not_said, shared_by
from icl_eval._picture.measures import measure_of
from icl_eval._picture.picture import Line, Panel, Picture
from icl_eval._picture.runs import run_settings
from icl_eval._picture.series import Series, series_of
from icl_eval._picture.values import in_order, is_number, sentence, short_setting, shown
from icl_models import FigureSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TRADEOFF"]

_PARTS = 4  # a path is marked at each quarter of its updates


def picture(table: pd.DataFrame, *, band: Band = "range") -> Picture:
    """The picture: a path for each run, runs of the same settings in one colour."""
    check_band(band)
    runs = run_settings(table)
    icl, iwl = (series_of(table, measure_of(name)) for name in TRADEOFF.measures)
    both = [run for run in runs if run in icl and run in iwl]
    names = _told_by(not_said({run: runs[run] for run in both}, ()), runs)
    keys = {run: tuple(runs[run].get(name) for name in names) for run in both}
    known = _sorted(set(keys.values()))
    lines: list[Line] = []
    for hue, key in enumerate(known):
        settings = dict(zip(names, key, strict=True))
        for run in both:
            if keys[run] == key:
                first = not any(line.hue == hue for line in lines)
                label = sentence(settings, names) if first and len(known) > 1 else ""
                lines.append(_path(run, iwl[run], icl[run], label=label, hue=hue, settings=settings))
    x, y = measure_axis(measure_of(IWL)), measure_axis(measure_of(ICL))
    ordered = len(names) == 1 and all(is_number(key[0]) for key in known)
    panel = Panel(row=0, column=0, title="", x=x, y=y, lines=tuple(lines), n_hues=len(known), ordered=ordered)
    return Picture(
        name=TRADEOFF.name,
        title=TRADEOFF.title,
        shared=shared_by(runs, besides=names),
        panels=(panel,) if lines else (),
        notes=(
            f"One path a run ({len(lines)} in all), from the ring; markers and arrows at quarters of its updates, the "
            "large marker at the last. Dashed: guessing in context.",
        ),
        table=tuple(
            {
                "run": line.run,
                **{short_setting(name, names): shown(value, name) for name, value in line.settings.items()},
                "step": f"{line.steps[-1]:,}" if line.steps is not None else "",
                "ICL": f"{line.y[-1]:.3f}",
                "IWL": f"{line.x[-1]:.3f}",
            }
            for line in lines
        ),
    )


def _told_by(names: list[str], runs: dict[str, dict[str, Any]]) -> list[str]:
    """The class counts are told as their sum."""
    counts = {"data.n_rare_classes", "data.n_common_classes"}
    told = ["classes", *names] if counts & set(names) else names
    return [name for name in told if name not in counts]


def _sorted(keys: set[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    known = list(keys)
    width = len(known[0]) if known else 0
    orders = [{value: i for i, value in enumerate(in_order(key[j] for key in known))} for j in range(width)]
    return sorted(known, key=lambda key: [order[value] for order, value in zip(orders, key, strict=True)])


def _path(run: str, x: Series, y: Series, *, label: str, hue: int, settings: dict[str, Any]) -> Line:
    steps = sorted(set(x.steps.tolist()) & set(y.steps.tolist()))
    at_x, at_y = x.where(steps), y.where(steps)
    parts = [i * steps[-1] / _PARTS for i in range(1, _PARTS)]
    quarters = {int(np.abs(np.array(steps) - part).argmin()) for part in parts} - {0, len(steps) - 1}
    points = [(0, "start"), *((i, f"step {steps[i]}") for i in sorted(quarters)), (len(steps) - 1, "end")]
    nothing = np.full(len(steps), np.nan)
    return Line(
        label=label,
        hue=hue,
        x=x.values[at_x],
        y=y.values[at_y],
        low=nothing,
        high=nothing,
        n_runs=np.ones(len(steps), dtype=np.int64),
        n_sequences=y.n_sequences[at_y],
        chance=np.full(len(steps), y.chance),
        settings=settings,
        kind="path",
        points=tuple(points),
        run=run,
        steps=np.array(steps, dtype=np.int64),
    )


TRADEOFF = FigureSpec(
    name="tradeoff",
    title="In-context against in-weights learning over training",
    picture=picture,
    measures=(ICL, IWL),
    experiment="tradeoff",
)
