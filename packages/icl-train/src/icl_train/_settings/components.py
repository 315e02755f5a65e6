"""The components that a run was made with: whose they are, as config.json says, and what becomes of those not here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

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

if TYPE_CHECKING:
    from icl_train.config import RunConfig

__all__ = ["COMPONENTS", "changed_owners", "plugin_owners", "stored_settings"]

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
        return from_plain(_FIND[kind](name).config, settings, prefix)
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


def plugin_owners(config: RunConfig) -> dict[str, dict[str, str]]:
    """Kind → ``name``, ``distribution`` and ``version`` of each component that is not built in, as it is here."""
    owners: dict[str, dict[str, str]] = {}
    for group, kind in COMPONENTS:
        name = getattr(getattr(config, group), kind)
        record = component_owner(kind, name) if name is not None else None
        if record is not None and not record.built_in:
            owners[kind] = {"name": name, "distribution": record.distribution, "version": record.version}
    return owners


def changed_owners(config: RunConfig, owners: Mapping[str, Owner]) -> list[str]:
    """A line for each usable component that was of another distribution or version than it is here."""
    lines = []
    for group, kind in COMPONENTS:
        settings = getattr(config, group)
        if kind not in owners or isinstance(getattr(settings, f"{kind}_config"), UnusableConfig):
            continue
        name, was = getattr(settings, kind), f"{owners[kind]['distribution']} {owners[kind]['version']}"
        here = component_owner(kind, name)
        if f"{here.distribution} {here.version}" != was:
            lines.append(
                f"{kind.replace('_', ' ')} {name!r} was of {was} when the run was made, "
                f"and is of {here.distribution} {here.version} here"
            )
    return lines
