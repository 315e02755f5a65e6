"""What other options' defaults hang on: the source of the examples, and the components whose settings are options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from icl_train.command_line import given
from icl_train.config import RunConfig
from icl_train.presets import with_source

__all__ = ["source_given", "with_components"]


def source_given(args: Sequence[str]) -> str | None:
    """The source that the options name, if they do."""
    return given(args, "--data.source", "--example-type") or ("omniglot" if given(args, "--data.omniglot") else None)


def with_components(config: RunConfig, args: Sequence[str]) -> RunConfig:
    """The defaults that other options then refer to: the source, and the components whose settings are options."""
    source = source_given(args) or config.data.source
    if source != config.data.source:
        config = with_source(config, source)
    model: dict[str, Any] = {}
    for part in ("embedder", "sequence_model"):
        name = given(args, f"--model.{part.replace('_', '-')}")
        if name:
            model |= {part: name, f"{part}_config": None}
    if model.get("sequence_model", config.model.sequence_model) != config.model.sequence_model:
        model |= {"num_heads": None, "hidden_size": None}
    config = replace(config, model=replace(config.model, **model)) if model else config
    tracker = given(args, "--train.tracker")
    if tracker is not None:
        tracker = None if tracker == "None" else tracker  # as tyro reads it
        config = replace(config, train=replace(config.train, tracker=tracker, tracker_config=None))
    return config
