"""What figures 2 to 5 have in common: accuracies over training, a line for each value of a setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from icl_eval._figures.published import published_values
from icl_eval._picture.bands import Band
from icl_eval._picture.build import Layout, notes_of, panels_of
from icl_eval._picture.groups import groups_of, shared_by
from icl_eval._picture.measures import Measure, measure_of
from icl_eval._picture.picture import Picture
from icl_eval._picture.runs import run_settings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ICL", "IWL", "curves_picture", "published_in"]

ICL, IWL = "fewshot_holdout", "no_support_zipfian"


def published_in(figure: str) -> Callable[[Mapping[str, Any], Measure], Sequence[tuple[int, float]]]:
    """The paper's values of a figure, for a run's settings and a measure."""
    return lambda settings, measure: published_values(figure, settings, measure.name)


def curves_picture(
    table: pd.DataFrame,
    *,
    name: str,
    title: str,
    measures: Sequence[str],
    hue: str,
    column: str | None = None,
    letters: Sequence[str] = (),
    band: Band = "range",
    as_compared: Callable[[Mapping[str, Any]], dict[str, Any]] = dict,
) -> Picture:
    """Measures over training, a line for each value of ``hue``, a group of panels for all else in which runs differ.

    Args:
        table: tidy table of runs.
        name, title: of the figure.
        measures: evaluations, as in ``FigureSpec``.
        hue: setting that tells lines apart.
        column: setting with a column of panels for each value.
        letters: name of the panel of each measure.
        band: what is drawn around means.
        as_compared: settings as they tell groups apart.
    """
    layout = Layout(
        measures=tuple(map(measure_of, measures)),
        hue=hue,
        column=column,
        letters=tuple(letters),
        band=band,
        published=published_in(name),
    )
    runs = run_settings(table)
    groups = groups_of(runs, layout.axes, as_compared=as_compared, any_length=True)
    panels = panels_of(table, runs, groups, layout)
    shared = shared_by(runs, besides=layout.axes)
    return Picture(name=name, title=title, shared=shared, panels=panels, notes=notes_of(panels, band))
