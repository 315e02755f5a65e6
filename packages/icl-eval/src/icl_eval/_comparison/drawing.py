"""Both sides of a comparison in one picture: thin lines are runs, thick ones their means, with names at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from icl_data.foundation.whole_file import whole_file
from icl_eval._comparison.rows import Compared
from icl_eval._comparison.sides import Floats, Side
from icl_eval._comparison.text import metric_label
from icl_eval._figures.style import legible, own_style

__all__ = ["draw_comparison"]

# Blue and orange of Okabe and Ito, told apart by every eye; dark and light, and whole and dashed, in grey as well.
_LOOKS = (("#00507f", "solid"), ("#e69f00", (0, (4, 1.5))))
_PANELS_PER_ROW = 2
_LABEL_SIZE = 9
_LEAST_GAP = 0.07  # between two names at the lines' ends, as a share of the axis


def draw_comparison(ours: Side, theirs: Side, compared: Sequence[Compared], files: Sequence[Path]) -> None:
    """Draw a panel for each metric and write it to each of ``files`` (the suffix decides the format).

    Args:
        ours, theirs: the sides.
        compared: metrics.
        files: where to write it, once for each.
    """
    columns = min(len(compared), _PANELS_PER_ROW)
    rows = -(-len(compared) // columns)
    with own_style():
        figure = Figure(figsize=(0.6 + 5.4 * columns, 0.3 + 3.6 * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False)
        for axis, one in zip(axes.flat, compared, strict=False):
            _panel(axis, ours, theirs, one)
        for axis in axes.flat[len(compared) :]:
            axis.set_visible(False)
        figure.text(
            0.995, 0.005, "thin lines: runs; thick lines: their means", ha="right", va="bottom", fontsize=7, color="0.4"
        )
        for file in files:
            with whole_file(file) as beside:
                figure.savefig(beside, dpi=160)


def _panel(axis: Axes, ours: Side, theirs: Side, one: Compared) -> None:
    steps = one.pair.steps
    sides = list(zip((ours, theirs), (one.pair.ours, one.pair.theirs), _LOOKS, strict=True))
    for _, values, (color, style) in sides:
        axis.plot(steps, values.T, color=color, linestyle=style, linewidth=0.8, alpha=0.7)
    for _, values, (color, style) in sides:
        axis.plot(steps, values.mean(0), color=color, linestyle=style, linewidth=2.6)
    chance = (ours.chance or {}).get(one.pair.metric)
    levels = [] if chance is None else [(chance, "chance")]
    if one.crossing is not None:
        levels.append((one.crossing.threshold, f"{one.crossing.threshold:g}"))
    for level, name in levels:
        axis.axhline(level, color="0.55", linestyle=(0, (1, 2)), linewidth=1.0, zorder=1)
        axis.annotate(
            name,
            (0, level),
            (3, 2),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            fontsize=7,
            color="0.4",
            va="bottom",
        )
    if metric_label(one.pair.metric) != one.pair.metric or "accuracy" in one.pair.metric:
        axis.set_ylim(-0.02, 1.02)
    axis.set_xlim(int(steps[0]), int(steps[-1]))
    axis.set_xlabel("training steps (updates)")
    axis.set_title(legible(metric_label(one.pair.metric), size=_LABEL_SIZE, width=4.4), fontsize=_LABEL_SIZE)
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axis.grid(color="0.93", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    ends = np.array([values.mean(0)[-1] for _, values, _ in sides])
    for (side, _, (color, _)), place in zip(sides, _apart(axis, ends), strict=True):
        axis.annotate(
            legible(f"{side.name} ({len(side.members)})", size=_LABEL_SIZE, width=1.5),
            (1, place),
            (5, 0),
            xycoords=("axes fraction", "axes fraction"),
            textcoords="offset points",
            fontsize=_LABEL_SIZE,
            color=color if color != _LOOKS[1][0] else "#9a6a00",
            va="center",
            annotation_clip=False,
        )


def _apart(axis: Axes, ends: Floats) -> Floats:
    """Heights of the two names, as shares of the axis: where the lines end, or as near as they can be read."""
    low, high = axis.get_ylim()
    places = (ends - low) / (high - low)
    if abs(places[0] - places[1]) < _LEAST_GAP:
        middle = float(np.clip(places.mean(), _LEAST_GAP / 2, 1 - _LEAST_GAP / 2))
        upper = 0 if places[0] >= places[1] else 1
        places[upper], places[1 - upper] = middle + _LEAST_GAP / 2, middle - _LEAST_GAP / 2
    return places
