"""Training runs and sweeps that measure in-context and in-weights learning."""

from icl_train._loop import eval_record, train
from icl_train._runs.checkpoint import load_model_weights
from icl_train._runs.departures import departures
from icl_train._runs.folder import RUN_FORMAT, RunError, RunFailed, RunFolder, find_runs, progress_line
from icl_train._runs.progress import PlainReporter, Reporter, reporter_for
from icl_train._sweeps.sweep import figure3a
from icl_train._task import Task, resolve_device
from icl_train.config import (
    DataConfig,
    EvalConfig,
    ModelSettings,
    OptimConfig,
    RunConfig,
    SeedConfig,
    TrainConfig,
)
from icl_train.evaluation import EVAL_SPLITS, HEADLINES, EvalResult, Evaluator, headline_of
from icl_train.presets import PRESETS, chan2022, laptop, smoke

__all__ = [
    "EVAL_SPLITS",
    "HEADLINES",
    "PRESETS",
    "RUN_FORMAT",
    "DataConfig",
    "EvalConfig",
    "EvalResult",
    "Evaluator",
    "ModelSettings",
    "OptimConfig",
    "PlainReporter",
    "Reporter",
    "RunConfig",
    "RunError",
    "RunFailed",
    "RunFolder",
    "SeedConfig",
    "Task",
    "TrainConfig",
    "chan2022",
    "departures",
    "eval_record",
    "figure3a",
    "find_runs",
    "headline_of",
    "laptop",
    "load_model_weights",
    "progress_line",
    "reporter_for",
    "resolve_device",
    "smoke",
    "train",
]
