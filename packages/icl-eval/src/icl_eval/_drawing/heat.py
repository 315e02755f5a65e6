"""Heat maps: colours that are told apart in grey as well, and numbers in the cells where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

from icl_eval._drawing.apart import with_room
from icl_eval._drawing.sizes import Sizes
from icl_eval._drawing.style import legible, line_of_page, text_width
from icl_eval._drawing.written import draw_into
from icl_eval._heads.maps import HeatMap, MapPicture

__all__ = ["draw_map", "draw_maps", "maps_figure", "settle_map", "write_numbers"]

POINTS = 72
SIGNED, POSITIVE = "RdBu_r", "Blues"
NOTHING = "0.9"
_MANY = 48  # rows, of which not all names have room
_DARK = 0.55  # lightness below which a number in a cell is white


def draw_maps(picture: MapPicture, files: Sequence[Path], *, style: str = "notebook") -> None:
    """Draw heat maps and write them to each of ``files``; the suffix (.png, .pdf, .svg) decides the format.

    Args:
        picture: what is drawn.
        files: where to write it, once for each.
        style: ``paper``, ``talk`` or ``notebook``.

    Raises:
        ValueError: if there is no such style.
        OSError: what the system says of writing.
    """
    draw_into(files, style, partial(maps_figure, picture))


def maps_figure(picture: MapPicture, sizes: Sizes) -> Figure:
    """The figure, settled.

    Args:
        picture: what is drawn.
        sizes: how large.
    """
    rows, columns = (1 + max(getattr(one, side) for one in picture.maps) for side in ("row", "column"))
    width = max(sizes.one if columns == 1 else sizes.many, sizes.least * columns)
    each = width / columns
    title = legible(picture.title, size=1.2 * sizes.font, width=line_of_page(width))
    notes = legible(" ".join(picture.notes), size=0.85 * sizes.font, width=line_of_page(width))
    heights = [max(_height(one, each, sizes) for one in picture.maps if one.row == row) for row in range(rows)]
    lines = (title.count("\n") + notes.count("\n") + 4) * 1.3 * sizes.font / POINTS
    figure = Figure(figsize=(width, sum(heights) + lines), layout="constrained")
    figure.suptitle(title, fontsize=1.2 * sizes.font, x=0.1 / width, ha="left")
    figure.supxlabel(notes, fontsize=0.85 * sizes.font, x=0.1 / width, ha="left", color="0.3")
    grid = figure.add_gridspec(rows, columns, height_ratios=heights)
    drawn = [(one, figure.add_subplot(grid[one.row, one.column])) for one in picture.maps]
    for one, axes in drawn:
        draw_map(figure, axes, one, sizes, width=each)
    figure.draw_without_rendering()
    for one, axes in drawn:
        settle_map(axes, one, sizes)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for one, axes in drawn:
        write_numbers(axes, one, sizes)
    return figure


def _height(one: HeatMap, width: float, sizes: Sizes) -> float:
    """Inches: cells that are square where they can be, in a map that is neither a flat strip nor higher than a page."""
    rows, columns = one.values.shape
    frame = 5.5 * sizes.font / POINTS
    square = 0.75 * width * rows / columns
    least = rows * 1.5 * 0.9 * sizes.font / POINTS
    inches: float = min(max(square, least, 0.25 * sizes.height), (3 if rows < _MANY else 2) * sizes.height)
    return frame + inches


def draw_map(figure: Figure, axes: Axes, one: HeatMap, sizes: Sizes, *, width: float, bar: bool = True) -> None:
    """Draw one map, but for names and numbers, which hang on the room that it gets.

    Args:
        figure: whose axes these are.
        axes: where.
        one: what.
        sizes: how large.
        width: inches that it has.
        bar: whether a bar beside it says what its colours are.
    """
    rows, columns = one.values.shape
    axes.set_facecolor(NOTHING)
    mesh = axes.pcolormesh(
        np.arange(columns + 1) - 0.5,
        np.arange(rows + 1) - 0.5,
        np.ma.masked_invalid(one.values),
        cmap=SIGNED if one.signed else POSITIVE,
        vmin=one.low,
        vmax=one.high,
        linewidth=0,
        edgecolors="none",
    )
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_title(legible(one.title, size=sizes.font, width=width - 0.6), fontsize=sizes.font, loc="left")
    axes.set_xlabel(legible(one.column_label, size=sizes.font, width=width - 0.6), fontsize=sizes.font)
    axes.set_ylabel(legible(one.row_label, size=sizes.font, width=sizes.height), fontsize=sizes.font)
    axes.tick_params(labelsize=0.8 * sizes.font, length=0, pad=2)
    axes.spines[:].set_visible(False)
    if bar:
        scale = figure.colorbar(mesh, ax=axes, fraction=0.05, pad=0.02)
        scale.ax.tick_params(labelsize=0.75 * sizes.font, width=0.6, length=2)
        scale.ax.yaxis.set_major_locator(MaxNLocator(nbins=4))
        scale.outline.set_visible(False)


def settle_map(axes: Axes, one: HeatMap, sizes: Sizes) -> None:
    """Names of rows and columns, as many as have room; those of columns upright where they are long."""
    size = 0.8 * sizes.font
    box = axes.get_window_extent()
    dpi = axes.figure.dpi
    for axis, names, length in ((axes.xaxis, one.column_names, box.width), (axes.yaxis, one.row_names, box.height)):
        step = length / dpi * POINTS / len(names)
        words = [legible(name, size=size, width=sizes.many).partition("\n")[0] for name in names]
        longest = max(text_width(word, size=size) for word in words)
        upright = axis is axes.xaxis and longest + 0.4 * size > step
        taken = [1.15 * size if upright or axis is axes.yaxis else text_width(word, size=size) for word in words]
        kept = with_room([step * (place + 0.5) for place in range(len(names))], taken, gap=0.0 if upright else 1.0)
        axis.set_major_locator(FixedLocator(kept))
        axis.set_major_formatter(FixedFormatter([words[place] for place in kept]))
        axes.tick_params(axis="x", labelrotation=90) if upright else None
        for label, place in zip(axis.get_ticklabels(), kept, strict=False):
            if place in one.marked:
                label.set_fontweight("bold")
                label.set_color("#A04000")


def write_numbers(axes: Axes, one: HeatMap, sizes: Sizes) -> None:
    """Into all cells, or into none: where the widest would not fit."""
    size = 0.75 * sizes.font
    rows, columns = one.values.shape
    box, dpi = axes.get_window_extent(), axes.figure.dpi
    words = {
        (row, column): _number(one.values[row, column])
        for row in range(rows)
        for column in range(columns)
        if np.isfinite(one.values[row, column])
    }
    widest = max((text_width(word, size=size) for word in words.values()), default=0.0)
    if not one.written or widest > 0.95 * box.width / dpi * POINTS / columns:
        return
    if 1.2 * size > box.height / dpi * POINTS / rows:
        return
    colors, scale = colormaps[SIGNED if one.signed else POSITIVE], Normalize(one.low, one.high)
    for (row, column), word in words.items():
        shade: Any = colors(float(np.clip(scale(one.values[row, column]), 0, 1)))
        lightness = 0.299 * shade[0] + 0.587 * shade[1] + 0.114 * shade[2]
        axes.text(
            column, row, word, ha="center", va="center", fontsize=size, color="white" if lightness < _DARK else "black"
        )


def _number(value: float) -> str:
    """A number in few letters: .85, -.03, 1.2, 12."""
    if abs(value) < 0.005:
        return "0"
    if abs(value) < 0.995:
        return f"{value:.2f}".replace("0.", ".", 1)
    return f"{value:.1f}" if abs(value) < 9.95 else f"{value:.0f}"
