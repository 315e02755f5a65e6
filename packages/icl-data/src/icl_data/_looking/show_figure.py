"""Sequences as a matplotlib figure; needs the extra `icl-data[plot]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from icl_data._looking.bursts import ALONE, burst_numbers, check_shown, sequence_title
from icl_data._looking.raster import grey
from icl_data._sequences.batch import SequenceBatch
from icl_data.foundation.extras import require_extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PER_LINE = 9
# inches
_CELL, _GAP, _MARGIN, _TITLE, _TEXT_LINE, _TEXT_GAP = 1.1, 0.16, 0.15, 0.3, 0.16, 0.1
# Okabe and Ito's colours, which colour-blind readers tell apart, without black.
_BURST_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#0072B2", "#D55E00", "#F0E442")
_ALONE_COLOUR = "0.75"


def draw_sequences(
    batch: SequenceBatch, examples: npt.NDArray[Any], *, classes: bool = False, first: int = 0
) -> Figure:
    """Draw sequences: examples in the order of the context, nine a line, the query last, labels below.

    Positions whose class appears more than once in the sequence have frames of one colour, others grey ones. Ids are
    numbers, vectors stripes from blue (negative) over white to red, the first dimension on top, images images.

    Args:
        batch: n sequences of L.
        examples: what they show, as `Source.gather` returns it: (n, L), (n, L, D) or (n, L, H, W, C).
        classes: write class and exemplar positions below the labels.
        first: number of the first sequence.

    Returns:
        A figure that belongs to no window and looks the same whatever matplotlib is set to; `figure.savefig(path)`
        writes it.

    Raises:
        ImportError: the extra `icl-data[plot]` is not installed.
        ValueError: examples of another shape.
    """
    check_shown(batch.label.shape, examples)
    require_extra("matplotlib", "icl-data[plot]", "draw_sequences")
    from icl_data._looking.own_figure import OwnFigure, own_style

    with own_style():
        return _drawn(OwnFigure, batch, examples, classes, first)


def _drawn(make: type[Figure], batch: SequenceBatch, examples: npt.NDArray[Any], classes: bool, first: int) -> Figure:
    n, length = batch.label.shape
    columns, n_lines = min(length, _PER_LINE), -(-length // _PER_LINE)
    line_height = _CELL + _TEXT_GAP + _TEXT_LINE * (3 if classes else 1) + _GAP
    height = n * (_TITLE + n_lines * line_height) + _MARGIN
    width = 2 * _MARGIN + columns * (_CELL + _GAP) - _GAP
    width = max(width, 4.2)  # of a title
    figure = make(figsize=(width, height))
    for row in range(n):
        top = height - row * (_TITLE + n_lines * line_height) - _MARGIN / 2
        title = sequence_title(first + row, batch.class_index[row])
        figure.text(_MARGIN / width, (top - _TITLE / 2) / height, title, va="center", fontsize=9)
        numbers = burst_numbers(batch.class_index[row])
        scale = float(np.abs(examples[row]).max()) or 1.0 if examples.ndim == 3 else 1.0
        for position in range(length):
            line, column = divmod(position, columns)
            left = _MARGIN + column * (_CELL + _GAP)
            bottom = top - _TITLE - line * line_height - _CELL
            axes = figure.add_axes((left / width, bottom / height, _CELL / width, _CELL / height))
            _show(axes, examples[row, position], scale)
            _frame(axes, int(numbers[position]), is_query=position == length - 1)
            _write(axes, batch, row, position, classes)
    return figure


def _show(axes: Axes, example: npt.NDArray[Any], scale: float) -> None:
    axes.set(xticks=[], yticks=[])
    if example.ndim == 0:
        axes.text(0.5, 0.5, str(int(example)), ha="center", va="center", fontsize=14, transform=axes.transAxes)
    elif example.ndim == 1:
        axes.imshow(example[:, None], cmap="RdBu_r", vmin=-scale, vmax=scale, aspect="auto", interpolation="nearest")
    elif example.shape[-1] == 3:
        axes.imshow(np.clip(example, 0, 1), interpolation="antialiased")
    else:
        axes.imshow(grey(example), cmap="gray", vmin=0, vmax=1, interpolation="antialiased")
    axes.set_anchor("C")


def _frame(axes: Axes, number: int, *, is_query: bool) -> None:
    colour = _ALONE_COLOUR if number == ALONE else _BURST_COLOURS[number % len(_BURST_COLOURS)]
    for spine in axes.spines.values():
        spine.set(edgecolor=colour, linewidth=2.5 if number != ALONE else 1.0)
    if not is_query:
        return
    from matplotlib.patches import Rectangle

    outer = Rectangle(
        (-0.055, -0.055), 1.11, 1.11, transform=axes.transAxes, fill=False, clip_on=False, linewidth=1.2, linestyle="--"
    )
    axes.add_patch(outer)


def _write(axes: Axes, batch: SequenceBatch, row: int, position: int, classes: bool) -> None:
    is_query = position == batch.label.shape[1] - 1
    lines = [f"{'query: target' if is_query else 'label'} {batch.label[row, position]}"]
    if classes:
        lines += [
            f"class {batch.class_index[row, position]}",
            f"exemplar {batch.exemplar_index[row, position]}",
        ]
    for line, text in enumerate(lines):
        axes.annotate(
            text,
            (0.5, 0),
            (0, -72 * (_TEXT_GAP + line * _TEXT_LINE)),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=8,
            fontweight="bold" if is_query and line == 0 else "normal",
        )
