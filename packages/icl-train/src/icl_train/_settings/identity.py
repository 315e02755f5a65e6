"""Which settings make a run another experiment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from icl_train._interventions.text import with_digest_alone

__all__ = ["ADDED_LATER", "NEUTRAL_SETTINGS", "digest_of", "flattened", "identifying", "identity_of", "telling"]

NEUTRAL_SETTINGS = frozenset(
    {
        "preset",
        "data.omniglot",
        "train.device",
        "train.engine",
        "train.threads",
        "train.log_interval",
        "train.checkpoint_interval",
        "train.checkpoint_steps",
        "train.log_spaced_checkpoint_steps",
        "train.tracker",
        "train.tracker_config",
    }
)
"""Where a run is computed, and how often and where it is written down: runs that differ in these alone are the same
experiment. The settings of a tracker are among them, whatever their names."""

ADDED_LATER: dict[str, Any] = {
    "data.train_exemplars": None,
    "data.n_exemplars": None,
    "data.context_order": "shuffled",
    "data.query_exemplar": "new",
    "data.p_relabel": 0.0,
    "data.label_noise": 0.0,
    "data.all_unique": False,
    "data.fs_labeling": "unfixed",
    "data.heldout_label_sets": 0,
    "data.p_new": 0.0,
    "data.distinct_labels": False,
    "model.embedder_config.sequences_per_statistics": None,
    "model.fixed_labels": False,
    "model.interventions": None,
    "optim.l2": 0.0,
    "optim.schedule": "inverse_sqrt",
    "optim.schedule_steps": None,
    "optim.final_lr": 0.0,
    "optim.momentum": 0.0,
    "optim.nesterov": False,
    "train.precision": "float32",
    "train.init_from": None,
    "eval.steps": None,
    "eval.log_spaced_steps": None,
    "eval.exemplars": None,
    "eval.context_order": "shuffled",
    "eval.query_exemplar": "new",
    "eval.evaluations": None,
}
"""Settings that came after the first runs were named → the value that changes nothing. There they are no part of a
run's digest, so that a sweep goes on to know the runs that were made before."""


def telling(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings under dotted names without ``NEUTRAL_SETTINGS``: what makes a run another experiment.

    Of the weights that it starts from, if they are not fresh, the digest; so of another run's that it is held to.
    """
    told = {
        name: value
        for name, value in settings.items()
        if name not in NEUTRAL_SETTINGS and not name.startswith("train.tracker_config.")
    }
    interventions = told.get("model.interventions")
    if interventions:
        told["model.interventions"] = [with_digest_alone(text) for text in interventions]
    initial = told.pop("train.init_from", None)
    return told if initial is None else told | {"train.init_from": initial.rpartition("#")[2]}


def identifying(settings: Mapping[str, Any]) -> dict[str, Any]:
    """:func:`telling` without the settings ``ADDED_LATER`` that change nothing: what a run's digest is made from."""
    return {
        name: value
        for name, value in telling(settings).items()
        if name not in ADDED_LATER or ADDED_LATER[name] != value
    }


def digest_of(settings: Mapping[str, Any]) -> str:
    """Eight hexadecimal digits, of all settings under dotted names, as ``RunConfig.digest`` has them."""
    return hashlib.sha256(json.dumps(identifying(settings), sort_keys=True).encode()).hexdigest()[:8]


def identity_of(settings: Mapping[str, Any]) -> str:
    """SHA-256 of :func:`identifying` settings but the last step, which a run may change: what a run's files know it by.

    Args:
        settings: all of them, under dotted names.
    """
    told = {name: value for name, value in identifying(settings).items() if name != "train.max_steps"}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def flattened(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Groups of settings as one, under dotted names: ``{"data.p_bursty": 0.9, …}``."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= flattened(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat
