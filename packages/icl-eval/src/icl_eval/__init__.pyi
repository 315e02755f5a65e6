"""Evaluation and figures for in-context learning runs."""

from ._evaluate import evaluate_run
from ._figures.figure3 import FIGURES, Curve, FigureSpec, curve, draw
from ._figures.published import PUBLISHED_STEPS, published
from ._runs import Evaluation, RunGroup, RunSeries, collect, group_runs
from ._tables.tables import figure_table, final_rows, timeseries_rows, write_csv

__all__ = [
    "FIGURES",
    "PUBLISHED_STEPS",
    "Curve",
    "Evaluation",
    "FigureSpec",
    "RunGroup",
    "RunSeries",
    "collect",
    "curve",
    "draw",
    "evaluate_run",
    "figure_table",
    "final_rows",
    "group_runs",
    "published",
    "timeseries_rows",
    "write_csv",
]
