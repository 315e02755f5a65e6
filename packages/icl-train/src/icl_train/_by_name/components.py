"""What other settings' defaults hang on: the source of the examples, and the components with settings of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from icl_train._options.typed import short_json
from icl_train.config import RunConfig
from icl_train.presets import with_source

__all__ = ["DECISIVE", "with_components"]

DECISIVE = ("data.source", "data.omniglot", "model.embedder", "model.sequence_model", "train.tracker")
"""Settings on which the defaults of others hang."""


def with_components(config: RunConfig, chosen: Mapping[str, Any]) -> RunConfig:
    """The same run with another source or other components, and the defaults that come with them.

    Args:
        config: the run's settings.
        chosen: dotted name → value; settings that are not ``DECISIVE`` are left aside.

    Raises:
        ValueError: for a component that does not exist, or a source that cannot be opened.
    """
    for decisive in DECISIVE:  # made a text of, another value could name something after all
        if not isinstance(chosen.get(decisive), (str, Path, type(None))):
            raise ValueError(f"{decisive} must be text, got {short_json(chosen[decisive])}")
    chosen = {name: None if value in (None, "None") else str(value) for name, value in chosen.items()}
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
        config = replace(config, train=replace(config.train, tracker=chosen["train.tracker"], tracker_config=None))
    return config
