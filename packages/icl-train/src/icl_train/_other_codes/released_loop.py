"""Options of jaxline's loop, in which the released code trains and evaluates."""

from __future__ import annotations

from typing import Any

from icl_train._evaluations.built_in import BUILT_IN
from icl_train._other_codes.option import OtherOption

__all__ = ["LOOP"]

_FOLDER = "here `--root` and `--name` say where a run is kept"
_FILES = "which files the loop writes, and how"
_DEVICES = "how devices and hosts get their random numbers; here a batch is the same on any number of them"


def _evaluations(value: Any) -> dict[str, Any]:
    modes = [value] if isinstance(value, str) else value
    if not isinstance(modes, list | tuple) or not all(isinstance(mode, str) for mode in modes) or not modes:
        raise ValueError("must be a list of names that begin with eval_")
    names = [mode.removeprefix("eval_") for mode in modes]
    unknown = [name for name in names if name not in BUILT_IN]
    if unknown:
        raise ValueError(f"must be evaluations that there are here, not {', '.join(unknown)[:80]}")
    return {"eval.evaluations": list(dict.fromkeys(names))}


def _otherwise(told: str, *names: str) -> tuple[OtherOption, ...]:
    return tuple(OtherOption(name=name, told=told, fate="otherwise") for name in names)


LOOP = (
    OtherOption(
        name="training_steps",
        becomes=("train.max_steps",),
        told="left out, jaxline makes 10,000 updates",
        kind=int,
        default=10_000,
    ),
    OtherOption(
        name="eval_modes",
        becomes=("eval.evaluations",),
        told="the names after `eval_`; here one run measures all of them while it trains",
        turned=_evaluations,
    ),
    OtherOption(
        name="random_seed",
        becomes=("seeds.init",),
        told="of initial weights and dropout; other generators, so other numbers. Sequences have no seed there, here "
        "`seeds.data`",
        kind=int,
    ),
    OtherOption(
        name="interval_type",
        told="seconds unless it is `steps`; here intervals are always updates",
        fate="otherwise",
        default="secs",
    ),
    OtherOption(
        name="log_train_data_interval",
        becomes=("train.log_interval",),
        told="where intervals are updates",
        kind=int,
        only={"logging_interval_type": ("steps",)},
    ),
    OtherOption(
        name="save_checkpoint_interval",
        becomes=("train.checkpoint_interval",),
        told="where intervals are updates",
        kind=int,
        only={"checkpoint_interval_type": ("steps",)},
    ),
    OtherOption(
        name="logging_interval_type",
        told="`interval_type` unless it is given; here intervals are always updates",
        fate="otherwise",
        default=None,
    ),
    OtherOption(
        name="checkpoint_interval_type",
        told="`interval_type` unless it is given; here intervals are always updates",
        fate="otherwise",
        default=None,
    ),
    *_otherwise("lines of the log on the terminal; here each has its own", "log_tensors_interval"),
    *_otherwise(_FOLDER, "checkpoint_dir", "eval_specific_checkpoint_dir"),
    *_otherwise(
        "`icl-models import-haiku` makes a model of its `checkpoint.dill`, and `--init-from` starts from one",
        "restore_path",
    ),
    *_otherwise("here a run evaluates itself, and `icl-eval evaluate` does so again", "one_off_evaluate"),
    *_otherwise("here there is an evaluation before the first update", "eval_initial_weights"),
    *_otherwise(
        "here no checkpoint is chosen by a measure; every one is kept, and `icl-eval evaluate` measures them",
        "best_model_eval_metric",
        "best_model_eval_metric_higher_is_better",
        "best_checkpoint_all_hosts",
        "max_checkpoints_to_keep",
    ),
    *_otherwise(
        _FILES,
        "log_async",
        "log_all_hosts",
        "log_all_train_data",
        "periodic_action_growth_ratios",
        "save_initial_train_checkpoint",
        "train_checkpoint_all_hosts",
    ),
    *_otherwise(_DEVICES, "random_mode_train", "random_mode_eval", "legacy_random_seed_behavior"),
)
