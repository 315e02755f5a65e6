"""Evaluation and figures for in-context learning runs."""

from icl_eval._figures.figure3 import FIGURES, Curve, FigureSpec, curve, draw
from icl_eval._figures.published import PUBLISHED_STEPS, published
from icl_eval._tables.evaluate import evaluate_run
from icl_eval._tables.runs import Evaluation, RunGroup, RunSeries, collect, group_runs
from icl_eval._tables.tables import figure_table, final_rows, timeseries_rows, write_csv

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
