"""Configurations as plain values, as config.json holds them, and back."""

from __future__ import annotations

import dataclasses
import typing
from pathlib import Path
from typing import Any, TypeVar

from icl_models import ComponentConfig
from icl_train._settings.option import hints_of, require
from icl_train._settings.plain_value import short_value, value_of_type

__all__ = ["UnusableConfig", "from_plain", "to_plain"]

T = TypeVar("T")

_MOST, _LONGEST = 5, 60  # unknown names that a complaint has, and letters of one


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


def from_plain(config_type: type[T], values: object, prefix: str) -> T:
    """A dataclass of plain values, with nested ones, paths and tuples given back their types.

    Args:
        config_type: the dataclass.
        values: field → plain value; fields left out keep their defaults.
        prefix: what the fields' names follow in a complaint.

    Raises:
        ValueError: for an unknown field, a value of another type, or values that the dataclass refuses; it names the
            field.
    """
    group = prefix.rstrip(".") or "config"
    if not isinstance(values, dict):
        raise ValueError(f"{group} must be a group of settings, got {short_value(values)}")
    hints = hints_of(config_type)
    unknown = sorted(values.keys() - hints.keys())
    require(not unknown, "settings must be ones that this version knows", _named(unknown, prefix))
    typed: dict[str, Any] = {}
    for name, value in values.items():
        own = hints[name]
        nested = dataclasses.is_dataclass(own) and not isinstance(value, ComponentConfig)
        if nested:
            typed[name] = from_plain(typing.cast(type, own), value, f"{prefix}{name}.")
        elif isinstance(value, ComponentConfig):  # read already, by the component that it is of
            typed[name] = value
        else:
            typed[name] = value_of_type(own, value, f"{prefix}{name}")
    try:
        return config_type(**typed)
    except ValueError as error:  # a component's own rule does not say whose it is
        if group in str(error):
            raise
        raise ValueError(f"{group}: {error}") from error


def _named(names: list[str], prefix: str) -> str:
    """The first few; a file can have any number of any length."""
    shown = [prefix + (name if len(name) <= _LONGEST else f"{name[:_LONGEST]}...") for name in names[:_MOST]]
    return ", ".join(shown) + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")
