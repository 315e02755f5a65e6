"""In-context learning that goes away again (Singh et al. 2023, arXiv 2311.08360), with and without an L2 penalty."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from icl_eval._figures.curves import ICL, IWL, curves_picture
from icl_eval._picture.bands import Band
from icl_eval._picture.fading import fall, half_life, peak, peak_step
from icl_eval._picture.groups import groups_of
from icl_eval._picture.measures import measure_of
from icl_eval._picture.picture import Panel, Picture
from icl_eval._picture.runs import run_settings, values_of
from icl_eval._picture.series import series_of
from icl_eval._picture.values import shown
from icl_models import FigureSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TRANSIENCE"]

_L2 = "optim.l2"


def picture(table: pd.DataFrame, *, band: Band = "range") -> Picture:
    """The picture: a line for each penalty, with the peak of its mean marked in the panel of in-context learning."""
    drawn = curves_picture(
        table, name=TRANSIENCE.name, title=TRANSIENCE.title, measures=TRANSIENCE.measures, hue=_L2, band=band
    )
    return replace(
        drawn,
        panels=tuple(_with_peaks(panel) if panel.y.name == ICL else panel for panel in drawn.panels),
        notes=(*drawn.notes, "Rings: peaks of the means."),
        table=_peaks(table),
    )


def _with_peaks(panel: Panel) -> Panel:
    lines = tuple(replace(line, points=((int(line.y.argmax()), "peak"),)) for line in panel.lines)
    return replace(panel, lines=lines)


def _peaks(table: pd.DataFrame) -> tuple[dict[str, Any], ...]:
    """A row for each run: peak, when, fall, half-life."""
    runs, series = run_settings(table), series_of(table, measure_of(ICL))
    rows = []
    for group in groups_of(runs, (_L2,)):
        for value in values_of(runs, _L2, group.runs):
            for run in group.runs:
                if run in series and runs[run].get(_L2) == value:
                    one = series[run]
                    points = list(zip(one.steps.tolist(), one.values.tolist(), strict=True))
                    top, half = peak_step(points), half_life(points, chance=one.chance)
                    life = f"over {points[-1][0] - top:,}" if half == math.inf else f"{half:,.0f}"
                    rows.append(
                        {
                            "run": run,
                            **({"panel": group.title} if group.title else {}),
                            "L2": shown(value),
                            "peak ICL": f"{peak(points):.3f}",
                            "at update": f"{top:,}",
                            "fall after": f"{fall(points):.3f}",
                            "half-life": life,
                        }
                    )
    return tuple(rows)


TRANSIENCE = FigureSpec(
    name="transience",
    title="In-context learning that comes and goes, by L2 penalty",
    picture=picture,
    measures=(ICL, IWL),
    varies=(_L2,),
    paper="Singh et al. 2023",
    experiment="transience",
)
