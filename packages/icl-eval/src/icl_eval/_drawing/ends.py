"""Labels at the ends of lines, in a column right of the panel, moved apart where they would touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Affine2D, ScaledTranslation

from icl_eval._drawing.apart import apart
from icl_eval._drawing.axes import places_of
from icl_eval._drawing.panel import stroke_for, with_own_chance
from icl_eval._drawing.sizes import Sizes
from icl_eval._drawing.style import legible, text_width
from icl_eval._picture.picture import Line, Panel, next_mark

__all__ = ["Ends", "height_of_labels", "label_ends", "settle_ends"]

LINE_HEIGHT = 1.25  # of the font's size
POINTS = 72
_GAP, _COLUMN = 0.6, 2.2  # in sizes of the font: from the panel to a label, and with a leader between


@dataclass(frozen=True)
class Label:
    """One label: where its line ends, and its text on the page."""

    x: float
    y: float
    text: Annotation
    height: float  # in points
    color: Any


@dataclass(frozen=True)
class Ends:
    """The labels of one panel; the head, which says what they are, stands on top, and a paper's marks may stand between
    the panel and them."""

    axes: Axes
    labels: tuple[Label, ...]
    upwards: bool  # the order of lines that end at one place
    head: Annotation | None
    head_height: float
    marked: bool


def height_of_labels(panel: Panel, sizes: Sizes) -> float:
    """Room that the labels of a panel need, in inches."""
    lines = sum(text.count("\n") + 1 for *_, text, _ in _texts(panel, sizes))
    head = _head(panel, sizes)
    return (lines + (head.count("\n") + 1 if head else 0)) * LINE_HEIGHT * 0.9 * sizes.font / POINTS


def label_ends(axes: Axes, panel: Panel, sizes: Sizes) -> Ends:
    """Put the labels of a panel where lines end; `settle_ends` moves them apart when it is known how high it is.

    Args:
        axes: the panel's, drawn.
        panel: the panel.
        sizes: how large.
    """
    size = 0.9 * sizes.font
    labels = []
    for x, y, text, color in _texts(panel, sizes):
        note = _text(axes, text, size, color)
        labels.append(Label(x, y, note, (text.count("\n") + 1) * LINE_HEIGHT * size, color))
    head = _head(panel, sizes) if labels else ""
    drawn = _text(axes, head, size, "0.35", va="top") if head else None
    height = (head.count("\n") + 1) * LINE_HEIGHT * size if head else 0.0
    marked = any(_published_at_the_edge(panel, line, _last(panel)) for line in panel.lines)
    return Ends(axes, tuple(labels), panel.ordered, drawn, height, marked)


def settle_ends(ends: Ends, sizes: Sizes) -> None:
    """Move labels apart, and join those that are away from their lines to these."""
    axes = ends.axes
    height = axes.bbox.height / axes.figure.dpi * POINTS
    low, high = axes.get_ylim()
    wanted = [(label.y - low) / (high - low) * height for label in ends.labels]
    placed = _placed(ends, wanted, height - ends.head_height, sizes)
    edge = axes.get_xlim()[1]
    size = 0.9 * sizes.font
    right = axes.bbox.x1
    short = [
        label.x < edge and right - axes.transData.transform((label.x, 1))[0] > 0.1 * axes.bbox.width
        for label in ends.labels
    ]
    joined = [abs(at - want) > 0.3 * size or far for want, at, far in zip(wanted, placed, short, strict=True)]
    indent = _COLUMN if any(joined) or ends.marked else _GAP
    for label, at, away in zip(ends.labels, placed, joined, strict=True):
        label.text.set_position((indent * size, at))
        if away and label.x < np.inf:
            axes.annotate(
                "",
                (label.x, label.y),
                ((indent - 0.2) * size, at),
                xycoords="data",
                textcoords=_corner(axes),
                arrowprops={
                    "arrowstyle": "-",
                    "color": label.color if label.x >= edge else "0.7",  # of a curve that ends early: no part of it
                    "linewidth": 0.4 * sizes.line,
                    "shrinkA": 0,
                    "shrinkB": 0.3 * size,
                    "linestyle": "-" if label.x >= edge else (0, (1, 2)),
                },
                annotation_clip=False,
            )
    if ends.head is not None:
        ends.head.set_position((indent * size, height))


def _placed(ends: Ends, wanted: Sequence[float], height: float, sizes: Sizes) -> list[float]:
    """Where labels stand: by height; those of lines whose ends touch in the order of these, numbers upwards."""
    of_lines = sorted((i for i, label in enumerate(ends.labels) if label.x < np.inf), key=lambda i: wanted[i])
    touching = list(wanted)
    pool: list[int] = []
    for before, i in zip([None, *of_lines], of_lines, strict=False):
        pool = [*pool, i] if before is not None and wanted[i] - wanted[before] < sizes.line else [i]
        for one in pool:
            touching[one] = sum(wanted[each] for each in pool) / len(pool)
    order = list(range(len(wanted)))[:: 1 if ends.upwards else -1]
    placed = apart([touching[i] for i in order], [ends.labels[i].height for i in order], 0, height)
    return [placed[order.index(i)] for i in range(len(wanted))]


def _text(axes: Axes, text: str, size: float, color: Any, va: str = "center") -> Annotation:
    # Below in the corner at first: what a label needs in width counts for the layout, what it needs in height does not.
    return axes.annotate(
        text,
        (1, 0),
        (_COLUMN * size, 20),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=size,
        color=color,
        va=va,
        ha="left",
        annotation_clip=False,
    )


def _corner(axes: Axes) -> Any:
    """Points from the lower right corner of a panel."""
    right: Any = axes.transAxes
    return Affine2D().scale(1 / POINTS) + axes.figure.dpi_scale_trans + ScaledTranslation(1, 0, right)


def _texts(panel: Panel, sizes: Sizes) -> list[tuple[float, float, str, Any]]:
    """End, text and colour of each label."""
    found = []
    size, width = 0.9 * sizes.font, sizes.label
    last = _last(panel)
    for line in panel.lines:
        if not line.label:
            continue
        text = _label(line.label, _published_at_the_edge(panel, line, last), size=size, width=width)
        x = float(places_of(panel, line)[-1])
        found.append((x, float(line.y[-1]), text, stroke_for(panel, line).text_color))
    for level, said in _guesses(panel):
        found.append((float("inf"), level, legible(f"chance {said}", size=size, width=width), "0.45"))
    return found


def _guesses(panel: Panel) -> list[tuple[float, str]]:
    """Levels at which it is said what guessing gives: of several measures each, else one for all lines."""
    if not panel.chances or panel.y.kind != "accuracy":
        return []
    levels = [float(line.chance[-1]) for line in with_own_chance(panel) if not np.isnan(line.chance[-1])]
    if any(line.measure for line in panel.lines):
        return [(level, _share(level)) for level in sorted(set(levels))]
    low, high = panel.chances[0], panel.chances[-1]
    said = _share(low) if low == high else f"{_share(low)} to {_share(high)}"
    return [(float(np.mean(levels)) if levels else (low + high) / 2, said)]


def _label(label: str, published: str, *, size: float, width: float) -> str:
    """A label with the paper's value behind it, or below where there is no room."""
    text = f"{label} {published}".strip()
    if published and text_width(legible(text, size=size, width=10 * width), size=size) > width * POINTS:
        text = f"{label}\n{published}"
    return legible(text, size=size, width=width)


def _share(value: float) -> str:
    """A chance with two digits, and never as a power of ten: 0.5, 0.031, 0.000078."""
    return np.format_float_positional(float(f"{value:.2g}"), trim="-")


def _published_at_the_edge(panel: Panel, line: Line, last: float) -> str:
    """The paper's next value and its place, where that lies beyond the axis."""
    mark = next_mark(line.marks, last)
    if mark is None or mark.x == last or panel.x.kind not in ("steps", "sequences"):
        return ""
    return f"(paper {mark.y:.2f} at {mark.x:,.0f})"


def _last(panel: Panel) -> float:
    return max((float(line.x[-1]) for line in panel.lines), default=0.0)


def _head(panel: Panel, sizes: Sizes) -> str:
    return legible(panel.hue_name, size=0.9 * sizes.font, width=sizes.label) if panel.hue_name else ""
