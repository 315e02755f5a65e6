"""Figure 3 of Chan et al. 2022: in-context (a) and in-weights (b) learning over training, by number of classes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from icl_eval._figures.curves import ICL, IWL, curves_picture
from icl_eval._picture.bands import Band
from icl_eval._picture.picture import Picture
from icl_eval._picture.runs import as_in_figure_3
from icl_models import FigureSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FIGURE3", "FIGURE3A", "FIGURE3B"]


def picture(table: pd.DataFrame, *, name: str, band: Band = "range") -> Picture:
    """The picture of one of the three: a line for each number of trained classes."""
    spec = {one.name: one for one in (FIGURE3, FIGURE3A, FIGURE3B)}[name]
    return curves_picture(
        table,
        name=name,
        title=spec.title,
        measures=spec.measures,
        hue="classes",
        letters=("3a", "3b") if name == "figure3" else (),
        band=band,
        as_compared=as_in_figure_3,
    )


def _spec(name: str, title: str, measures: tuple[str, ...], controls: tuple[str, ...]) -> FigureSpec:
    return FigureSpec(
        name=name,
        title=title,
        picture=partial(picture, name=name),
        measures=measures,
        varies=("data.n_rare_classes",),
        controls=controls,
        paper=f"Chan et al. 2022, figure {name.removeprefix('figure')}",
        experiment="figure3",
    )


_CONTROLS = ("flipped", "novel_label")
FIGURE3 = _spec("figure3", "In-context and in-weights learning by number of trained classes", (ICL, IWL), _CONTROLS)
FIGURE3A = _spec("figure3a", "In-context learning by number of trained classes", (ICL,), _CONTROLS)
FIGURE3B = _spec("figure3b", "In-weights learning by number of trained classes", (IWL,), ())
