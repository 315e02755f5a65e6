"""What the fields of the configuration dataclasses share."""

from __future__ import annotations

import typing
from typing import Any

import tyro

__all__ = ["require", "require_choices", "short_name"]


def short_name(name: str) -> Any:
    """Annotation that gives an option a second name, without its dots."""
    return tyro.conf.arg(aliases=(name,))


def require_choices(config: Any, prefix: str) -> None:
    """Raise ValueError if a field annotated as a Literal holds another value: Python itself never looks."""
    for name, hint in typing.get_type_hints(type(config)).items():
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
