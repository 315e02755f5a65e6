"""The components of a run, and what becomes of their settings where they are not as they were."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from icl_models import (
    ComponentConfig,
    EmbedderSpec,
    SequenceModelSpec,
    TrackerSpec,
    component_owner,
    find_embedder,
    find_sequence_model,
    find_tracker,
    unusable_component,
)
from icl_train._settings.values import UnusableConfig, from_plain

__all__ = ["COMPONENTS", "Owner", "stored_settings"]

Kind = Literal["embedder", "sequence_model", "tracker"]
Owner = Mapping[str, str]

COMPONENTS: tuple[tuple[Literal["model", "train"], Kind], ...] = (
    ("model", "embedder"),
    ("model", "sequence_model"),
    ("train", "tracker"),
)
"""Group of settings and kind of each component of a run."""

_FIND: dict[Kind, Callable[[str], EmbedderSpec | SequenceModelSpec | TrackerSpec]] = {
    "embedder": find_embedder,
    "sequence_model": find_sequence_model,
    "tracker": find_tracker,
}


def stored_settings(
    kind: Kind, name: str, settings: dict[str, Any], *, prefix: str, owner: Owner | None
) -> ComponentConfig:
    """A component's settings with their types, or :class:`UnusableConfig` if it is not here as ``owner`` had it.

    Raises:
        ValueError: without an owner, if the component is unknown or refuses its settings.
    """
    if owner is None:
        try:
            config = _FIND[kind](name).config
        except ValueError as error:
            raise ValueError(f"{prefix.removesuffix('_config.')}: {error}") from error
        return from_plain(config, settings, prefix)
    distribution, version = owner["distribution"], owner["version"]
    reason = unusable_component(kind, name, distribution=distribution, version=version)
    if reason is None:
        try:
            return from_plain(_FIND[kind](name).config, settings, prefix)
        except ValueError as error:
            here = component_owner(kind, name)
            reason = (
                f"{kind.replace('_', ' ')} {name!r} of {distribution} {version} has settings that "
                f"{here.distribution} {here.version} refuses: {error}"
            )
    return UnusableConfig(reason=reason, settings=settings)
