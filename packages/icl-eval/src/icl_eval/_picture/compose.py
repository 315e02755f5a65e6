"""Panels beside each other, below each other, over each other, and seen from above."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from icl_eval._picture.picture import Axis, Panel
from icl_eval._picture.values import shown

__all__ = ["below", "beside", "laid_over", "seen_from_above"]


def beside(left: Sequence[Panel], right: Sequence[Panel]) -> tuple[Panel, ...]:
    """Two lots of panels, the second right of the first, row by row."""
    first = 1 + max((panel.column for panel in left), default=-1)
    moved = [replace(panel, column=panel.column + first) for panel in right]
    return tuple(sorted([*left, *moved], key=lambda panel: (panel.row, panel.column)))


def below(upper: Sequence[Panel], lower: Sequence[Panel]) -> tuple[Panel, ...]:
    """Two lots of panels, the second below the first, column by column."""
    first = 1 + max((panel.row for panel in upper), default=-1)
    return (*upper, *(replace(panel, row=panel.row + first) for panel in lower))


def laid_over(panels: Mapping[str, Sequence[Panel]], y: Axis) -> tuple[Panel, ...]:
    """Panels of several measures over each other: a line's colour and label are its measure's.

    Panels of one place come to be one, with the titles, the axis of x and all else of the first of them.

    Args:
        panels: label → the panels of a measure, with a line each that has no label, or one that says how many runs it
            is of; none of a measure that no run has.
        y: the axis that they share.
    """
    places: dict[tuple[int, int], list[tuple[int, str, Panel]]] = {}
    for hue, (label, of_measure) in enumerate(panels.items()):
        for panel in of_measure:
            places.setdefault((panel.row, panel.column), []).append((hue, label, panel))
    return tuple(
        replace(
            lot[0][2],
            y=y,
            lines=tuple(
                replace(line, hue=hue, label=f"{label} {line.label}".strip(), measure=panel.y.name)
                for hue, label, panel in lot
                for line in panel.lines
            ),
            hue_name="",
            n_hues=len(panels),
            ordered=False,
            batch=next((panel.batch for *_, panel in lot), None),
        )
        for _, lot in sorted(places.items())
    )


def seen_from_above(panel: Panel) -> Panel:
    """A panel of lines over a setting's values as a map: a row of cells for each line, a column for each value.

    Args:
        panel: whose x has values, numbers or names, and y is a share.
    """
    if panel.x.kind == "category":
        return replace(panel, as_map=True)
    numbers = [float(value) for value in panel.x.values]
    names = tuple(shown(int(value) if value.is_integer() else value) for value in numbers)
    return replace(
        panel,
        x=replace(panel.x, kind="category", values=names),
        lines=tuple(
            replace(line, x=np.array([numbers.index(at) for at in line.x], dtype=float)) for line in panel.lines
        ),
        as_map=True,
    )
