"""The axes of a panel: limits, ticks that have room, updates below and sequences above."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from icl_eval._drawing.apart import with_room
from icl_eval._drawing.sizes import Sizes
from icl_eval._drawing.style import legible, text_width
from icl_eval._picture.picture import Axis, Floats, Line, Panel
from icl_eval._picture.values import shown

__all__ = ["place_x", "places_of", "sequences_above", "set_limits", "settle_ticks"]

POINTS = 72


def place_x(axis: Axis, x: Floats) -> Floats:
    """Where numbers stand: on a scale of logarithms, 0 is one step below the least of the others."""
    return np.where(x == 0, _below(axis), x) if axis.kind == "log" else x


def places_of(panel: Panel, line: Line) -> Floats:
    """Where the points of a line stand: beside each other, where lines share places that have names."""
    if panel.x.kind != "category" or panel.n_hues < 2 or line.kind == "runs":
        return place_x(panel.x, line.x)
    return line.x + 0.5 * (line.hue / (panel.n_hues - 1) - 0.5)


def _below(axis: Axis) -> float:
    positive = sorted({float(value) for value in axis.values if isinstance(value, float) and value > 0})
    steps = [right / left for left, right in pairwise(positive)]
    return positive[0] / (min(steps) if steps else 10.0)


def set_limits(axes: Axes, panel: Panel) -> None:
    """Limits and scales of both axes."""
    x = panel.x
    if x.kind == "category":
        axes.set_xlim(-0.5, len(x.values) - 0.5)
    elif x.kind == "log":
        places = place_x(x, np.array(x.values, dtype=float))
        axes.set_xscale("log")
        span = max(places.max() / places.min(), 1.5) ** 0.05
        axes.set_xlim(places.min() / span, places.max() * span)
    elif x.kind == "linear":
        places = np.array(x.values, dtype=float)
        margin = 0.05 * (places.max() - places.min()) or 0.5
        axes.set_xlim(places.min() - margin, places.max() + margin)
    elif x.kind == "accuracy":
        axes.set_xlim(-0.02, 1.02)
    else:
        first, last = (end(float(line.x[at]) for line in panel.lines) for end, at in ((min, 0), (max, -1)))
        axes.set_xlim(first if x.log else 0, max(last, 1.5 * first if x.log else 1))
        if x.log:
            axes.set_xscale("log")
    if panel.y.kind == "accuracy":
        axes.set_ylim(-0.02, 1.02)
    else:
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6))


def sequences_above(axes: Axes, batch: int, sizes: Sizes) -> None:
    """A second axis above, of sequences."""
    top = axes.secondary_xaxis(
        "top", functions=(lambda step: np.multiply(step, batch), lambda sequences: np.divide(sequences, batch))
    )
    top.set_xlabel(f"sequences ({batch} per step)", fontsize=0.9 * sizes.font)
    top.tick_params(labelsize=0.9 * sizes.font, width=0.6, length=2.5)


def settle_ticks(axes: Any, axis: Axis, sizes: Sizes) -> None:
    """Ticks for the width that the panel has got: none of their labels touches another."""
    size = 0.9 * sizes.font
    width = axes.bbox.width / axes.figure.dpi * POINTS
    if axis.log:
        _settle_decades(axes, size, width)
        return
    if axis.kind in ("steps", "sequences"):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=max(2, min(6, int(width / (4.2 * size))))))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: counted(value)))
        return
    if not axis.values:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=max(2, min(6, int(width / (4 * size))))))
        return
    if axis.kind == "category":
        room = width / len(axis.values) / POINTS
        places = np.arange(len(axis.values), dtype=float)
        words = [legible(str(value), size=size, width=0.92 * room) for value in axis.values]
    else:
        numbers = [float(value) for value in axis.values]
        places = place_x(axis, np.array(numbers))
        words = [_number(value) for value in numbers]
    shares = axes.transAxes.inverted().transform(axes.transData.transform(np.stack([places, 0 * places], 1)))[:, 0]
    widths = [max(text_width(line, size=size) for line in word.split("\n")) for word in words]
    kept = with_room((shares * width).tolist(), widths, gap=0.5 * size)
    if axis.kind == "category":  # every place has its name, however many lines that takes
        kept = list(range(len(words)))
    axes.xaxis.set_major_locator(FixedLocator([float(places[i]) for i in kept]))
    axes.xaxis.set_major_formatter(FixedFormatter([words[i] for i in kept]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _settle_decades(axes: Any, size: float, width: float) -> None:
    """Labels at powers of ten, where fewer than three of them are in sight at twice and five times these as well, and
    small ticks at all other multiples."""
    low, high = axes.get_xlim()
    decades = [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    inside = {
        factors: [at for ten in decades for factor in factors if low <= (at := factor * ten) <= high]
        for factors in ((1,), (1, 2, 5), tuple(range(1, 10)))
    }
    named, finer, all_of_them = inside.values()
    named = named if len(named) > 2 else finer
    words = [counted(at) for at in named]
    middles = [width * math.log(at / low) / math.log(high / low) for at in named]
    kept = with_room(middles, [text_width(word, size=size) for word in words], gap=0.5 * size)
    axes.xaxis.set_major_locator(FixedLocator([named[i] for i in kept]))
    axes.xaxis.set_major_formatter(FixedFormatter([words[i] for i in kept]))
    axes.xaxis.set_minor_locator(FixedLocator(all_of_them))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _number(value: float) -> str:
    return shown(int(value)) if value.is_integer() else shown(value)


def counted(value: float) -> str:
    """A number of updates or sequences in few letters: 0, 250, 4,000, 50k, 1.6M."""
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= 10 * unit or (abs(value) >= unit and unit > 1e3):
            return f"{value / unit:,.4g}{name}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"
