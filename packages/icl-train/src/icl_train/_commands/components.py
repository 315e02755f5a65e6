"""What other settings' defaults hang on: the source of the examples, and the components with settings of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from icl_train.command_line import given
from icl_train.config import RunConfig
from icl_train.presets import with_source

__all__ = ["chosen_by", "with_components"]

_OPTIONS = {
    "data.source": ("--data.source", "--example-type"),
    "data.omniglot": ("--data.omniglot",),
    "model.embedder": ("--model.embedder",),
    "model.sequence_model": ("--model.sequence-model",),
    "train.tracker": ("--train.tracker",),
}


def chosen_by(args: Sequence[str]) -> dict[str, str]:
    """The settings among the options that others hang on: dotted name → value."""
    chosen = {name: given(args, *options) for name, options in _OPTIONS.items()}
    return {name: value for name, value in chosen.items() if value is not None}


def with_components(config: RunConfig, chosen: Mapping[str, str | None]) -> RunConfig:
    """The same run with another source or other components, and the defaults that come with them.

    Args:
        config: the run's settings.
        chosen: dotted name → value; settings on which nothing hangs are left aside.
    """
    source = chosen.get("data.source") or ("omniglot" if chosen.get("data.omniglot") else config.data.source)
    if source != config.data.source:
        config = with_source(config, source)
    model: dict[str, Any] = {}
    for part in ("embedder", "sequence_model"):
        name = chosen.get(f"model.{part}")
        if name and name != getattr(config.model, part):
            model |= {part: name, f"{part}_config": None}
    if "sequence_model" in model:
        model |= {"num_heads": None, "hidden_size": None}
    config = replace(config, model=replace(config.model, **model)) if model else config
    if chosen.get("train.tracker", config.train.tracker) != config.train.tracker:
        tracker = None if chosen["train.tracker"] in (None, "None") else chosen["train.tracker"]
        config = replace(config, train=replace(config.train, tracker=tracker, tracker_config=None))
    return config
