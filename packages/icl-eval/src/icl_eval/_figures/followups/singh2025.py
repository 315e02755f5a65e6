"""Strategies that compete and help each other (Singh et al. 2025, arXiv 2503.05631): four accuracies in one panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icl_eval._figures.followups.peaks import NOTE, peak_rows, with_peaks
from icl_eval._figures.followups.several import panels_of_several
from icl_eval._picture.bands import Band
from icl_eval._picture.build import Layout, notes_of
from icl_eval._picture.groups import groups_of, shared_by
from icl_eval._picture.picture import Picture
from icl_eval._picture.runs import run_settings
from icl_models import FigureSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COOPETITION"]

_ICL = "fewshot_zipfian"
_LABELS = {_ICL: "ICL", "flip": "flip", "ciwl": "CIWL", "no_support_zipfian": "pure IWL"}


def picture(table: pd.DataFrame, *, band: Band = "range") -> Picture:
    """The picture: a panel for each group of runs, a line for each evaluation, the peak of ICL marked."""
    runs = run_settings(table)
    groups = groups_of(runs, ())
    panels = panels_of_several(table, runs, groups, _LABELS, Layout(measures=(), band=band))
    return Picture(
        name=COOPETITION.name,
        title=COOPETITION.title,
        shared=shared_by(runs),
        panels=tuple(with_peaks(panel, _ICL) for panel in panels),
        notes=(
            *notes_of(panels, band),
            "ICL: trained classes under labels that mean nothing else. Flip: under each other's labels. CIWL: the "
            "query's label is in the context, but on another class. Pure IWL: neither is in the context.",
            NOTE,
        ),
        table=peak_rows(table, _ICL, runs, groups),
    )


COOPETITION = FigureSpec(
    name="singh2025-coopetition",
    title="In-context learning and what it competes with",
    picture=picture,
    measures=tuple(_LABELS),
    paper="Singh et al. 2025",
    experiment="singh2025-coopetition",
)
