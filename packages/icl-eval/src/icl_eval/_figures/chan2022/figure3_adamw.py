"""Figure 3 with AdamW: what weight decay does to both kinds of learning and to the norms of weights and gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icl_eval._figures.curves import ICL, IWL
from icl_eval._picture.bands import Band
from icl_eval._picture.build import Layout, notes_of, panels_of
from icl_eval._picture.compose import below, beside
from icl_eval._picture.groups import groups_of, shared_by
from icl_eval._picture.measures import measure_of
from icl_eval._picture.picture import Panel, Picture
from icl_eval._picture.runs import as_in_figure_3, run_settings
from icl_models import FigureSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FIGURE3_ADAMW"]

_DECAY = "optim.weight_decay"


def picture(table: pd.DataFrame, *, band: Band = "range") -> Picture:
    """The picture: a row for each measure: its last values against the decay, and curves for each class count."""
    measures = tuple(map(measure_of, FIGURE3_ADAMW.measures))
    runs = run_settings(table)
    panels: tuple[Panel, ...] = ()
    for group in groups_of(runs, (_DECAY, "classes"), as_compared=as_in_figure_3):
        of_group = {run: runs[run] for run in group.runs}
        final = Layout(measures=measures, down=True, x=_DECAY, hue="classes", band=band)
        curves = Layout(measures=measures, hue=_DECAY, column="classes", band=band)
        both = beside(
            panels_of(table, of_group, [group], final),
            panels_of(table, of_group, [group], curves),
        )
        panels = below(panels, both)
    return Picture(
        name=FIGURE3_ADAMW.name,
        title=FIGURE3_ADAMW.title,
        shared=shared_by(runs, besides=(_DECAY, "classes")),
        panels=panels,
        notes=notes_of(panels, band, at="Against weight decay: the last value of each run."),
    )


FIGURE3_ADAMW = FigureSpec(
    name="figure3-adamw",
    title="In-context and in-weights learning, and norms, by weight decay",
    picture=picture,
    measures=(ICL, IWL, "train/weight_l2", "train/weight_l2_all", "train/grad_l2"),
    varies=(_DECAY, "data.n_rare_classes"),
    experiment="figure3-adamw",
)
