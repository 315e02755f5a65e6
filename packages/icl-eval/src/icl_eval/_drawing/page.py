"""A whole figure: panels in rows and columns, title, notes, and the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from icl_eval._drawing.axes import settle_ticks
from icl_eval._drawing.cells import map_of
from icl_eval._drawing.ends import height_of_labels, label_ends, settle_ends
from icl_eval._drawing.heat import draw_map, settle_map, write_numbers
from icl_eval._drawing.panel import draw_panel
from icl_eval._drawing.sizes import Sizes
from icl_eval._drawing.style import legible, line_of_page
from icl_eval._drawing.written import draw_into
from icl_eval._picture.picture import Panel, Picture

__all__ = ["draw", "figure_of"]

POINTS = 72
_LABELS = 0.3  # of a panel's width, at most
_RIGHT = 0.02  # of the width, free at the right: letters are wider at one resolution than at another


def draw(picture: Picture, files: Sequence[Path], *, style: str = "notebook") -> None:
    """Draw a picture and write it to each of ``files``; the suffix (.png, .pdf, .svg) decides the format.

    Args:
        picture: what is drawn.
        files: where to write it, once for each.
        style: ``paper``, ``talk`` or ``notebook``.

    Raises:
        ValueError: if there is no such style.
        OSError: what the system says of writing.
    """
    draw_into(files, style, partial(figure_of, picture))


def figure_of(picture: Picture, sizes: Sizes) -> Figure:
    """The figure, settled: what it shows does not move any more.

    Args:
        picture: what is drawn.
        sizes: how large.
    """
    rows, columns = (1 + max(getattr(panel, side) for panel in picture.panels) for side in ("row", "column"))
    width = max(sizes.one if columns == 1 else sizes.many, sizes.least * columns)
    sizes = replace(sizes, label=min(sizes.label, _LABELS * width / columns))
    heights = [
        max(sizes.height, *(1.1 * height_of_labels(panel, sizes) for panel in picture.panels if panel.row == row))
        for row in range(rows)
    ]
    line = line_of_page(width)
    title = legible(picture.title, size=1.2 * sizes.font, width=line)
    notes = legible(
        " ".join([*([f"{picture.shared}."] if picture.shared else []), *picture.notes]),
        size=0.85 * sizes.font,
        width=line,
    )
    page = (
        sum(heights) + _room(picture, sizes, rows) + _lines(title, 1.2 * sizes.font) + _lines(notes, 0.85 * sizes.font)
    )
    figure = Figure(figsize=(width, page), layout=ConstrainedLayoutEngine(rect=(0, 0, 1 - _RIGHT, 1)))
    figure.suptitle(title, fontsize=1.2 * sizes.font, x=0.1 / width, ha="left")
    figure.supxlabel(notes, fontsize=0.85 * sizes.font, x=0.1 / width, ha="left", color="0.3")
    grid = figure.add_gridspec(rows, columns, height_ratios=heights)
    places = [(panel, figure.add_subplot(grid[panel.row, panel.column])) for panel in picture.panels]
    maps = []
    for panel, axes in places:
        if panel.as_map:
            one = map_of(panel, rows_named=not _is_map_at(picture, panel, -1))
            draw_map(figure, axes, one, sizes, width=width / columns, bar=not _is_map_at(picture, panel, 1))
            maps.append((one, axes))
    drawn = [(panel, axes) for panel, axes in places if not panel.as_map]
    for panel, axes in drawn:
        draw_panel(axes, panel, sizes, title_width=width / columns - 0.4, above=_is_top(panel, picture))
        _name_axes(axes, panel, picture, sizes)
    ends = [label_ends(axes, panel, sizes) for panel, axes in drawn]
    figure.draw_without_rendering()
    for panel, axes in drawn:
        settle_ticks(axes, panel.x, sizes)
        for above in axes.child_axes:
            settle_ticks(above, panel.x, sizes)
    for one, axes in maps:
        settle_map(axes, one, sizes)
    figure.draw_without_rendering()  # ticks may need more or less room now
    figure.set_layout_engine("none")
    for of_panel in ends:
        settle_ends(of_panel, sizes)
    for one, axes in maps:
        write_numbers(axes, one, sizes)
    return figure


def _room(picture: Picture, sizes: Sizes, rows: int) -> float:
    """Inches that titles, ticks and labels of axes need beside the panels."""
    titles = sum(
        max((panel.title.count("\n") + 1 if panel.title else 0) for panel in picture.panels if panel.row == row)
        for row in range(rows)
    )
    return (titles * 1.4 + rows * 2.2 + 8) * sizes.font / POINTS


def _lines(text: str, size: float) -> float:
    return (text.count("\n") + 1.5) * 1.3 * size / POINTS if text else 0.0


def _is_map_at(picture: Picture, panel: Panel, side: int) -> bool:
    """Whether a map stands right (1) or left (-1) of a panel, so that one says what both need."""
    return any(
        other.as_map and (other.row, other.column) == (panel.row, panel.column + side) for other in picture.panels
    )


def _is_top(panel: Panel, picture: Picture) -> bool:
    """Whether no panel above has the same axis of sequences."""
    above = [other for other in picture.panels if other.column == panel.column and other.row < panel.row]
    return not any(other.x.kind == panel.x.kind and other.batch == panel.batch for other in above)


def _name_axes(axes: Axes, panel: Panel, picture: Picture, sizes: Sizes) -> None:
    """Each axis is named once: below the lowest of panels that share it, left of the first that has it."""
    below = [other for other in picture.panels if other.column == panel.column and other.row == panel.row + 1]
    if not any(other.x.name == panel.x.name for other in below):
        axes.set_xlabel(legible(panel.x.label, size=sizes.font, width=sizes.one), fontsize=sizes.font)
    left = [other for other in picture.panels if other.row == panel.row and other.column == panel.column - 1]
    if not any(other.y.name == panel.y.name for other in left):
        axes.set_ylabel(legible(panel.y.label, size=sizes.font, width=0.95 * sizes.height), fontsize=sizes.font)
