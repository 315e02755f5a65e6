"""Evaluation and figures for in-context learning runs."""

from ._drawing.page import draw
from ._evaluate import CheckpointDamaged, evaluate_run
from ._figures.builtin import FIGURES, FigureSpec
from ._figures.curves import curves_picture
from ._figures.published import PUBLISHED_STEPS, published
from ._heads.ablation import AblationEffect, ablation_effects
from ._heads.composition import Composition, composition_scores
from ._heads.direct import direct_contributions
from ._heads.pairs import patch_run
from ._heads.patching import Patching, activation_patching
from ._heads.patterns import AttentionPattern, attention_patterns
from ._heads.runs import measure_heads
from ._heads.scores import HeadScores, head_scores
from ._loading.tidy import RunsSkipped, load_runs
from ._loading.wide import summarize_runs
from ._onsets.fitting import Onset, fit_onset
from ._onsets.order import order_of_onsets
from ._picture.picture import Axis, Line, Mark, Panel, Picture
from ._picture.rows import drawn_rows
from ._picture.series import Curve, Series, curve, series_of
from ._report.report import write_report
from ._runs import Evaluation, RunGroup, RunSeries, collect, group_runs
from ._tables.files import write_csv, write_json
from ._tables.onsets import load_onsets
from ._tables.tables import figure_table, final_rows, timeseries_rows

__all__ = [
    "FIGURES",
    "PUBLISHED_STEPS",
    "AblationEffect",
    "AttentionPattern",
    "Axis",
    "CheckpointDamaged",
    "Composition",
    "Curve",
    "Evaluation",
    "FigureSpec",
    "HeadScores",
    "Line",
    "Mark",
    "Onset",
    "Panel",
    "Patching",
    "Picture",
    "RunGroup",
    "RunSeries",
    "RunsSkipped",
    "Series",
    "ablation_effects",
    "activation_patching",
    "attention_patterns",
    "collect",
    "composition_scores",
    "curve",
    "curves_picture",
    "direct_contributions",
    "draw",
    "drawn_rows",
    "evaluate_run",
    "figure_table",
    "final_rows",
    "fit_onset",
    "group_runs",
    "head_scores",
    "load_onsets",
    "load_runs",
    "measure_heads",
    "order_of_onsets",
    "patch_run",
    "published",
    "series_of",
    "summarize_runs",
    "timeseries_rows",
    "write_csv",
    "write_json",
    "write_report",
]
