"""In-context learning that goes away again (Singh et al. 2023, arXiv 2311.08360), with and without an L2 penalty."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from icl_eval._figures.curves import ICL, IWL, curves_picture
from icl_eval._figures.followups.peaks import NOTE, peak_rows, with_peaks
from icl_eval._picture.bands import Band
from icl_eval._picture.groups import groups_of
from icl_eval._picture.picture import Picture
from icl_eval._picture.runs import run_settings
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
    runs = run_settings(table)
    return replace(
        drawn,
        panels=tuple(with_peaks(panel, ICL) for panel in drawn.panels),
        notes=(*drawn.notes, NOTE),
        table=peak_rows(table, ICL, runs, groups_of(runs, (_L2,)), _L2),
    )


TRANSIENCE = FigureSpec(
    name="transience",
    title="In-context learning that comes and goes, by L2 penalty",
    picture=picture,
    measures=(ICL, IWL),
    varies=(_L2,),
    paper="Singh et al. 2023",
    experiment="singh2023-transience",
)
