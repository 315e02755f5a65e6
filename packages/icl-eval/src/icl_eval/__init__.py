"""Evaluation and figures for in-context learning runs."""

from icl_eval._evaluate import evaluate_run
from icl_eval._figure3 import FIGURES, Curve, FigureSpec, curve, draw
from icl_eval._published import PUBLISHED_STEPS, published
from icl_eval._runs import Evaluation, RunGroup, RunSeries, collect, group_runs
from icl_eval._tables import figure_table, final_rows, timeseries_rows, write_csv

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
