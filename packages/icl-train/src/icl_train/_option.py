"""What the fields of the configuration dataclasses share."""

from __future__ import annotations

from typing import Any

import tyro

__all__ = ["require", "short_name"]


def short_name(name: str) -> Any:
    """Annotation that gives an option a second name, without its dots."""
    return tyro.conf.arg(aliases=(name,))


def require(condition: bool, rule: str, value: object) -> None:
    """Raise ValueError with the rule and the value unless the condition holds."""
    if not condition:
        raise ValueError(f"{rule}, got {value}")
