"""Whose the components of a run were when it was made, as config.json says, and whose they are here."""

from __future__ import annotations

from collections.abc import Mapping

from icl_models import component_owner
from icl_train._settings.components import COMPONENTS, Owner
from icl_train._settings.values import UnusableConfig
from icl_train.config import RunConfig

__all__ = ["changed_owners", "plugin_owners"]


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
