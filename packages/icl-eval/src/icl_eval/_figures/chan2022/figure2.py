"""Figure 2 of Chan et al. 2022: in-context (a) and in-weights (b) learning over training, by burstiness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icl_eval._figures.curves import ICL, IWL, curves_picture
from icl_eval._picture.bands import Band
from icl_eval._picture.picture import Picture
from icl_models import FigureSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FIGURE2"]


def picture(table: pd.DataFrame, *, band: Band = "range") -> Picture:
    """The picture: a line for each share of bursty sequences."""
    return curves_picture(
        table,
        name=FIGURE2.name,
        title=FIGURE2.title,
        measures=FIGURE2.measures,
        hue="data.p_bursty",
        letters=("2a", "2b"),
        band=band,
    )


FIGURE2 = FigureSpec(
    name="figure2",
    title="In-context and in-weights learning by burstiness",
    picture=picture,
    measures=(ICL, IWL),
    varies=("data.p_bursty",),
    paper="Chan et al. 2022, figure 2",
    experiment="figure2",
)
