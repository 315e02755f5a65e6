"""Figure 6 of Chan et al. 2022: in-context learning, and in-weights learning of common and of rare classes, by skew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icl_eval._figures.curves import ICL, published_in
from icl_eval._picture.bands import Band
from icl_eval._picture.build import Layout, notes_of, panels_of
from icl_eval._picture.compose import below
from icl_eval._picture.groups import groups_of, shared_by
from icl_eval._picture.measures import measure_of
from icl_eval._picture.picture import Picture
from icl_eval._picture.runs import run_settings
from icl_models import FigureSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FIGURE6"]

_EXPONENT = "data.zipf_exponent"


def picture(table: pd.DataFrame, *, band: Band = "range") -> Picture:
    """The picture: above, the last evaluations against the Zipf exponent; below, the way there for each exponent."""
    measures = tuple(map(measure_of, FIGURE6.measures))
    runs = run_settings(table)
    groups = groups_of(runs, (_EXPONENT,))
    marks = published_in(FIGURE6.name)
    final = Layout(measures=measures, x=_EXPONENT, row=None, band=band, log_x=False, published=marks)
    curves = Layout(measures=measures, hue=_EXPONENT, band=band)
    panels = below(panels_of(table, runs, groups, final), panels_of(table, runs, groups, curves))
    return Picture(
        name=FIGURE6.name,
        title=FIGURE6.title,
        shared=shared_by(runs, besides=(_EXPONENT,)),
        panels=panels,
        notes=notes_of(panels, band, at="Against the exponent: the last evaluation (the paper: mean of 400k to 500k)."),
    )


FIGURE6 = FigureSpec(
    name="figure6",
    title="In-context and in-weights learning by skew of class frequencies",
    picture=picture,
    # Over all labels, as IWL is measured, and as the paper's .04 can only be where guessing among ten would give .1.
    measures=(ICL, "no_support_common/accuracy_query", "no_support_rare/accuracy_query"),
    varies=(_EXPONENT,),
    paper="Chan et al. 2022, figure 6",
    experiment="figure6",
)
