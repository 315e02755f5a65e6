"""Evaluation and figures for in-context learning runs."""

from ._evaluate import CheckpointDamaged, evaluate_run
from ._figures.curves import FIGURES, Curve, FigureSpec, curve
from ._figures.drawing import draw
from ._figures.published import PUBLISHED_STEPS, published
from ._loading.tidy import RunsSkipped, load_runs
from ._loading.wide import summarize_runs
from ._runs import Evaluation, RunGroup, RunSeries, collect, group_runs
from ._tables.files import write_csv, write_json
from ._tables.tables import figure_table, final_rows, timeseries_rows

__all__ = [
    "FIGURES",
    "PUBLISHED_STEPS",
    "CheckpointDamaged",
    "Curve",
    "Evaluation",
    "FigureSpec",
    "RunGroup",
    "RunSeries",
    "RunsSkipped",
    "collect",
    "curve",
    "draw",
    "evaluate_run",
    "figure_table",
    "final_rows",
    "group_runs",
    "load_runs",
    "published",
    "summarize_runs",
    "timeseries_rows",
    "write_csv",
    "write_json",
]
