"""Evaluation and figures for in-context learning runs."""

from ._drawing.page import draw
from ._evaluate import CheckpointDamaged, evaluate_run
from ._figures.builtin import FIGURES, FigureSpec
from ._figures.curves import curves_picture
from ._figures.published import PUBLISHED_STEPS, published
from ._loading.tidy import RunsSkipped, load_runs
from ._loading.wide import summarize_runs
from ._onsets.fitting import Onset, fit_onset
from ._onsets.order import order_of_onsets
from ._picture.picture import Axis, Line, Mark, Panel, Picture
from ._picture.rows import drawn_rows
from ._picture.series import Curve, Series, curve, series_of
from ._runs import Evaluation, RunGroup, RunSeries, collect, group_runs
from ._tables.files import write_csv, write_json
from ._tables.onsets import load_onsets
from ._tables.tables import figure_table, final_rows, timeseries_rows

__all__ = [
    "FIGURES",
    "PUBLISHED_STEPS",
    "Axis",
    "CheckpointDamaged",
    "Curve",
    "Evaluation",
    "FigureSpec",
    "Line",
    "Mark",
    "Onset",
    "Panel",
    "Picture",
    "RunGroup",
    "RunSeries",
    "RunsSkipped",
    "Series",
    "collect",
    "curve",
    "curves_picture",
    "draw",
    "drawn_rows",
    "evaluate_run",
    "figure_table",
    "final_rows",
    "fit_onset",
    "group_runs",
    "load_onsets",
    "load_runs",
    "order_of_onsets",
    "published",
    "series_of",
    "summarize_runs",
    "timeseries_rows",
    "write_csv",
    "write_json",
]
