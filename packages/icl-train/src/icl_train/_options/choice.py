"""A name out of the known ones."""

from __future__ import annotations

from typing import Any

from icl_data.foundation.command_line import nearest

__all__ = ["choice"]


def choice(what: str, name: str, known: Any) -> str:
    """``name``, if it is among ``known``; ValueError with the nearest one otherwise."""
    if name not in known:
        raise ValueError(f"{what} must be one of {', '.join(known)}, got {name!r}{nearest(name, list(known))}")
    return name
