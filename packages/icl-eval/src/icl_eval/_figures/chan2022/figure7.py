"""Figure 7 of Chan et al. 2022: transformers beside recurrent models, by layers, over draws of hyper-parameters.

Runs of one model and depth differ in any other setting: these are draws, of which every one is shown, and the best in
full. Nothing is averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from icl_eval._figures.curves import ICL, published_in
from icl_eval._picture.axes import measure_axis, setting_axis, time_axis
from icl_eval._picture.bands import Band, check_band
from icl_eval._picture.build import batch_of, close_up
from icl_eval._picture.groups import named, shared_by
from icl_eval._picture.measures import measure_of
from icl_eval._picture.picture import Axis, Line, Mark, Panel, Picture
from icl_eval._picture.runs import RunSettings, run_settings, values_of
from icl_eval._picture.series import Series, series_of
from icl_eval._picture.single import line_of_run, points_of_runs
from icl_eval._picture.values import shown
from icl_models import FigureSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FIGURE7"]

_MODEL, _LAYERS = "model.sequence_model", "model.num_layers"


def picture(table: pd.DataFrame, *, band: Band = "range") -> Picture:
    """The picture: a column for each number of layers; above, all runs over training; below, the last values of all."""
    check_band(band)
    measure = measure_of(ICL)
    runs, series = run_settings(table), series_of(table, measure)
    models = values_of(runs, _MODEL)
    names = setting_axis(_MODEL, models)
    panels = []
    for column, layers in enumerate(values_of(runs, _LAYERS)):
        chosen = {run: one for run, one in series.items() if runs[run].get(_LAYERS) == layers}
        by_model = {m: {r: s for r, s in chosen.items() if runs[r].get(_MODEL) == m} for m in models}
        for row, (x, lines) in enumerate(((time_axis("step"), _curves), (names, _strips))):
            panels.append(
                Panel(
                    row=row,
                    column=column,
                    title=named(_LAYERS, layers) if row == 0 else "",
                    x=x,
                    y=measure_axis(measure),
                    lines=lines(by_model, runs, names),
                    hue_name="best run of" if row == 0 else "",
                    n_hues=len(models),
                    batch=batch_of(runs, list(chosen)),
                )
            )
    return Picture(
        name=FIGURE7.name,
        title=FIGURE7.title,
        shared=shared_by(runs, besides=(_MODEL, _LAYERS)),
        panels=close_up([panel for panel in panels if panel.lines], reflow=False),
        notes=(
            "Above: every run, and in bold the run with the best last value, with the 95% Wilson interval of its "
            "sequences. Below: the last value of every run; filled: the best. Runs differ in hyper-parameters and "
            "seeds; nothing is averaged. Dashed: guessing.",
            *(["Open diamonds: best runs of Chan et al. 2022."] if _marked(panels) else []),
        ),
        table=_table(runs, series),
    )


def _marked(panels: Sequence[Panel]) -> bool:
    return any(line.marks for panel in panels for line in panel.lines)


def _table(runs: RunSettings, series: dict[str, Series]) -> tuple[dict[str, str], ...]:
    """A row for each model and depth: how many runs, the best one and the one in the middle."""
    rows = []
    for layers in values_of(runs, _LAYERS):
        for model in values_of(runs, _MODEL):
            last = {
                run: one.values[-1]
                for run, one in series.items()
                if (runs[run].get(_LAYERS), runs[run].get(_MODEL)) == (layers, model)
            }
            if last:
                best = max(last, key=lambda run: last[run])
                rows.append(
                    {
                        "layers": shown(layers),
                        "model": shown(model),
                        "runs": f"{len(last)}",
                        "best ICL": f"{last[best]:.3f}",
                        "middle ICL": f"{median(last.values()):.3f}",
                        "run": best,
                    }
                )
    return tuple(rows)


def _curves(by_model: dict[object, dict[str, Series]], runs: RunSettings, names: Axis) -> tuple[Line, ...]:
    lines: list[Line] = []
    for hue, (model, series) in enumerate(by_model.items()):
        settings = {run: {_MODEL: model, _LAYERS: runs[run].get(_LAYERS)} for run in series}
        best = max(series, key=lambda run: series[run].values[-1], default=None)
        lines += [
            line_of_run(run, one, label="", hue=hue, kind="run", settings=settings[run])
            for run, one in series.items()
            if run != best
        ]
        if best is not None:
            label = f"{shown(model)} ({len(series)})"
            lines.append(line_of_run(best, series[best], label=label, hue=hue, kind="best", settings=settings[best]))
    return tuple(lines)


def _strips(by_model: dict[object, dict[str, Series]], runs: RunSettings, names: Axis) -> tuple[Line, ...]:
    published = published_in(FIGURE7.name)
    lines = []
    for hue, (model, series) in enumerate(by_model.items()):
        if series:
            place = float(names.values.index(shown(model)))
            first = next(iter(series))
            settings = {_MODEL: model, _LAYERS: runs[first].get(_LAYERS)}
            points = published(runs[first], measure_of(ICL))
            marks = [Mark(x=place, y=points[-1][1])] if points else []
            lines.append(points_of_runs(list(series.values()), place, hue=hue, settings=settings, marks=marks))
    return tuple(lines)


FIGURE7 = FigureSpec(
    name="figure7",
    title="In-context learning of transformers and recurrent models",
    picture=picture,
    measures=(ICL,),
    varies=(_MODEL, _LAYERS),
    paper="Chan et al. 2022, figure 7",
    experiment="figure7",
)
