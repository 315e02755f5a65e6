"""Figure 4 of Chan et al. 2022: in-context learning over training, by the labels that a class has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icl_eval._figures.curves import ICL, curves_picture
from icl_eval._picture.bands import Band
from icl_eval._picture.picture import Picture
from icl_models import FigureSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FIGURE4"]


def picture(table: pd.DataFrame, *, band: Band = "range") -> Picture:
    """The picture: a line for each number of labels per class."""
    return curves_picture(
        table,
        name=FIGURE4.name,
        title=FIGURE4.title,
        measures=FIGURE4.measures,
        hue="labels_per_class",
        band=band,
    )


FIGURE4 = FigureSpec(
    name="figure4",
    title="In-context learning by labels per class",
    picture=picture,
    measures=(ICL,),
    varies=("data.labeling_rare",),
    controls=("flipped", "novel_label"),
    paper="Chan et al. 2022, figure 4",
    experiment="figure4",
)
