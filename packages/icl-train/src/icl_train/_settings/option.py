"""What the fields of the configuration dataclasses share."""

from __future__ import annotations

import dataclasses
import math
import typing
from typing import Any

import tyro

from icl_train._settings.plain_value import short_value

__all__ = ["LARGEST", "default_of", "hints_of", "require", "require_choices", "require_numbers", "short_name"]

LARGEST = 2**31 - 1
"""No count, size or step may be larger."""


def short_name(name: str) -> Any:
    """Annotation that gives an option a second name, without its dots."""
    return tyro.conf.arg(aliases=(name,))


_HINTS: dict[type, dict[str, Any]] = {}


def hints_of(config_type: type) -> dict[str, Any]:
    """The types of a dataclass's fields. They are kept: to look them up takes longer than the rest of reading a run."""
    if config_type not in _HINTS:
        _HINTS[config_type] = typing.get_type_hints(config_type)
    return _HINTS[config_type]


def require_choices(config: Any, prefix: str) -> None:
    """Raise ValueError if a field annotated as a Literal holds another value: Python itself never looks."""
    for name, hint in hints_of(type(config)).items():
        if typing.get_origin(hint) is typing.Literal:
            choices = typing.get_args(hint)
            require(
                getattr(config, name) in choices,
                f"{prefix}.{name} must be one of {', '.join(choices)}",
                repr(getattr(config, name)),
            )


def require(condition: bool, rule: str, value: object) -> None:
    """Raise ValueError with the rule and the value unless the condition holds."""
    if not condition:
        raise ValueError(f"{rule}, got {value}")


def require_numbers(config: Any, prefix: str) -> None:
    """Raise ValueError if a number of a field can be no setting: infinite, not a number, or beyond ``LARGEST``."""
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        for number in value if isinstance(value, tuple | list) else (value,):
            if isinstance(number, float):
                require(math.isfinite(number), f"{prefix}.{field.name} must be a finite number", number)
            elif isinstance(number, int):
                require(number <= LARGEST, f"{prefix}.{field.name} must be at most {LARGEST}", short_value(number))
                require(number >= -LARGEST, f"{prefix}.{field.name} must be at least -{LARGEST}", short_value(number))


def default_of(config: Any, name: str) -> Any:
    """The default of a field that has a plain one, of a configuration or its class."""
    return next(field.default for field in dataclasses.fields(config) if field.name == name)
