"""Configurations as plain values, as config.json holds them, and back."""

from __future__ import annotations

import dataclasses
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from icl_models import ComponentConfig
from icl_train._settings.option import hints_of, require

__all__ = ["UnusableConfig", "from_plain", "to_plain"]

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, kw_only=True)
class UnusableConfig(ComponentConfig):
    """Settings of a component that cannot be used here, as they were stored: enough to read what its run measured.

    Attributes:
        reason: why it cannot, in one line.
        settings: field → plain value.
    """

    reason: str
    settings: dict[str, Any]


def to_plain(value: Any) -> Any:
    """Dataclasses to dicts, tuples to lists, paths to strings, at any depth."""
    if isinstance(value, UnusableConfig):
        return value.settings
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def from_plain(config_type: type[T], values: dict[str, Any], prefix: str) -> T:
    """A dataclass of plain values, with nested ones, paths and tuples given back their types.

    Args:
        config_type: the dataclass.
        values: field → plain value; fields left out keep their defaults.
        prefix: what the fields' names follow in a complaint.

    Raises:
        ValueError: for an unknown field, or values that the dataclass refuses.
    """
    hints = hints_of(config_type)
    unknown = sorted(values.keys() - hints.keys())
    require(not unknown, "settings must be ones that this version knows", ", ".join(prefix + name for name in unknown))
    typed = {}
    for name, value in values.items():
        choices = typing.get_args(hints[name]) if isinstance(hints[name], types.UnionType) else (hints[name],)
        if dataclasses.is_dataclass(hints[name]):
            require(isinstance(value, dict), f"{prefix}{name} must be a group of settings", repr(value))
            value = from_plain(typing.cast(type, hints[name]), value, f"{prefix}{name}.")
        elif isinstance(value, str) and Path in choices:
            value = Path(value)
        elif isinstance(value, list):
            value = tuple(value)
        typed[name] = value
    return config_type(**typed)
