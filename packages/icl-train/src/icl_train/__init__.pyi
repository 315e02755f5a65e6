"""Training runs and sweeps that measure in-context and in-weights learning."""

from ._computing.device import resolve_device
from ._experiments.runs import ExperimentRun, experiment_runs
from ._intact.errors import RunUnreadable
from ._intervening.intervene import intervene, interventions_of
from ._intervening.interventions import Acting, Interventions
from ._interventions.text import intervention_text
from ._loop import eval_record, train
from ._plans.figure3a import figure3a
from ._plans.plan import Plan, configurations, planned
from ._run_data import RunData
from ._runs.checkpoint import load_model_weights
from ._runs.departures import departures
from ._runs.folder import RUN_FORMAT, RunError, RunFailed, RunFolder, progress_line
from ._runs.headlines import EVAL_SPLITS, HEADLINES, Headline, headline_of
from ._runs.progress import PlainReporter, Reporter, reporter_for
from ._runs.search import find_runs
from ._status.rows import StatusRow, Survey
from ._status.watch import Face, watch_runs
from ._task import Task
from ._watching.reached import step_reached
from ._watching.view import why_failed
from .config import (
    DataConfig,
    EvalConfig,
    Evaluation,
    Intervention,
    ModelSettings,
    OptimConfig,
    RunConfig,
    SeedConfig,
    TrainConfig,
    read_evaluation,
    read_evaluations,
    read_intervention,
)
from .evaluation import EmbeddedSequences, EvalResult, Evaluator
from .presets import PRESETS, chan2022, laptop, smoke

__all__ = [
    "EVAL_SPLITS",
    "HEADLINES",
    "PRESETS",
    "RUN_FORMAT",
    "Acting",
    "DataConfig",
    "EmbeddedSequences",
    "EvalConfig",
    "EvalResult",
    "Evaluation",
    "Evaluator",
    "ExperimentRun",
    "Face",
    "Headline",
    "Intervention",
    "Interventions",
    "ModelSettings",
    "OptimConfig",
    "PlainReporter",
    "Plan",
    "Reporter",
    "RunConfig",
    "RunData",
    "RunError",
    "RunFailed",
    "RunFolder",
    "RunUnreadable",
    "SeedConfig",
    "StatusRow",
    "Survey",
    "Task",
    "TrainConfig",
    "chan2022",
    "configurations",
    "departures",
    "eval_record",
    "experiment_runs",
    "figure3a",
    "find_runs",
    "headline_of",
    "intervene",
    "intervention_text",
    "interventions_of",
    "laptop",
    "load_model_weights",
    "planned",
    "progress_line",
    "read_evaluation",
    "read_evaluations",
    "read_intervention",
    "reporter_for",
    "resolve_device",
    "smoke",
    "step_reached",
    "train",
    "watch_runs",
    "why_failed",
]
