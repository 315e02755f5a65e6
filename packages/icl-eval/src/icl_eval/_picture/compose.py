"""Panels of several pictures in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from icl_eval._picture.picture import Panel

__all__ = ["below", "beside"]


def beside(left: Sequence[Panel], right: Sequence[Panel]) -> tuple[Panel, ...]:
    """Two lots of panels, the second right of the first, row by row."""
    first = 1 + max((panel.column for panel in left), default=-1)
    moved = [replace(panel, column=panel.column + first) for panel in right]
    return tuple(sorted([*left, *moved], key=lambda panel: (panel.row, panel.column)))


def below(upper: Sequence[Panel], lower: Sequence[Panel]) -> tuple[Panel, ...]:
    """Two lots of panels, the second below the first, column by column."""
    first = 1 + max((panel.row for panel in upper), default=-1)
    return (*upper, *(replace(panel, row=panel.row + first) for panel in lower))
