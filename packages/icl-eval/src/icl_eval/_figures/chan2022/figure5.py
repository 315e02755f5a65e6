"""Figure 5 of Chan et al. 2022: in-context (a) and in-weights (b) learning by variation in classes and burstiness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icl_eval._figures.curves import ICL, IWL, curves_picture
from icl_eval._picture.bands import Band
from icl_eval._picture.picture import Picture
from icl_models import FigureSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FIGURE5"]


def picture(table: pd.DataFrame, *, band: Band = "range") -> Picture:
    """The picture: a column of panels for each share of bursty sequences, a line for each variation within classes."""
    return curves_picture(
        table,
        name=FIGURE5.name,
        title=FIGURE5.title,
        measures=FIGURE5.measures,
        hue="variation",
        column="data.p_bursty",
        letters=("5a", "5b"),
        band=band,
    )


FIGURE5 = FigureSpec(
    name="figure5",
    title="In-context and in-weights learning by variation within classes",
    picture=picture,
    measures=(ICL, IWL),
    varies=("data.p_bursty", "data.noise_scale"),
    paper="Chan et al. 2022, figure 5",
    experiment="figure5",
)
