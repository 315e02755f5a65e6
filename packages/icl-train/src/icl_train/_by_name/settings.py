"""A configuration with other settings, each under its dotted name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from icl_data.foundation.command_line import nearest
from icl_train._by_name.components import with_components
from icl_train._options.table import Option, option_table
from icl_train._options.typed import typed_value
from icl_train.config import RunConfig

__all__ = ["dotted_name", "put", "settings_of", "unknown_setting", "with_settings"]

_Changes = dict[str, Any]


def with_settings(config: RunConfig, settings: Mapping[str, Any]) -> RunConfig:
    """The same run with other settings, and the defaults that come with another source or other components.

    Args:
        config: what the settings go on top of.
        settings: dotted name → value, as text or of its type: ``{"data.p_bursty": 0.9}``.

    Raises:
        ValueError: for an unknown setting, a value of another type, or values that the configuration refuses.
    """
    return put(with_components(config, settings), settings)


def put(config: RunConfig, settings: Mapping[str, Any]) -> RunConfig:
    """As `with_settings`, for a configuration that has the source and the components that ``settings`` name."""
    table = settings_of(config)
    changes: _Changes = {}
    for name, value in settings.items():
        if name in table:
            _note(changes, table[name].path, typed_value(table[name], value, name))
        elif value not in (None, "None") or not name.endswith("_config"):  # of a component that is not there
            raise unknown_setting(name, table)
    changed: RunConfig = _replaced(config, changes, "")
    return changed


def settings_of(config: RunConfig) -> dict[str, Option]:
    """Dotted name → setting, of all that a configuration has; whose settings a component has, it says."""
    return {".".join(option.path): option for option in option_table(RunConfig, config)}


def dotted_name(written: str, table: Mapping[str, Option]) -> str:
    """A setting's dotted name, whichever way it was written.

    Args:
        written: ``data.p-bursty``, ``data.p_bursty``, ``--data.p-bursty``, or a short name such as ``max-steps``.
        table: the settings there are; of a name that is not among them, the words are joined by ``_``.
    """
    plain = written.lstrip("-").replace("-", "_")
    if plain in table:
        return plain
    short = {other.lstrip("-").replace("-", "_"): name for name, option in table.items() for other in option.names}
    return short.get(plain, plain)


def unknown_setting(name: str, table: Mapping[str, Option]) -> ValueError:
    """The complaint about a setting that does not exist, with what may be meant."""
    hint = nearest(name, table) or " (icl-train show-config smoke shows what there is)"
    return ValueError(f"setting {name or repr(name)} does not exist{hint}")


def _note(changes: _Changes, path: tuple[str, ...], value: Any) -> None:
    for group in path[:-1]:
        changes = changes.setdefault(group, {})
    changes[path[-1]] = value


def _replaced(group: Any, changes: _Changes, name: str) -> Any:
    """A group of settings with some replaced, all at once: the rules hold between those that are given together."""
    new = {
        field: _replaced(getattr(group, field), value, f"{name}{field}.") if isinstance(value, dict) else value
        for field, value in changes.items()
    }
    try:
        return replace(group, **new) if new else group
    except ValueError as error:
        # A component's own rule does not say whose it is; the other groups of settings do.
        raise ValueError(f"{name.rstrip('.')}: {error}" if name.endswith("_config.") else str(error)) from error
