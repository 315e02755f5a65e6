"""Both sides of a comparison in one picture: thin lines are runs, thick ones their means, with names at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from icl_eval._comparison.rows import Compared
from icl_eval._comparison.sides import Side
from icl_eval._drawing.apart import apart
from icl_eval._drawing.strokes import stroke_of
from icl_eval._drawing.style import legible, own_style
from icl_eval._drawing.written import write_figure
from icl_eval._picture.measures import measure_recorded_as

__all__ = ["draw_comparison"]

_PANELS_PER_ROW = 2
_LABEL_SIZE = 9
_NAME_HEIGHT = 0.07  # of a name at the end of a line, as a share of the axis


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
            write_figure(figure, file, dpi=160)


def _panel(axis: Axes, ours: Side, theirs: Side, one: Compared) -> None:
    steps = one.pair.steps
    strokes = [stroke_of(number, 2, ordered=False) for number in range(2)]  # names: told apart in grey by their dashes
    sides = list(zip((ours, theirs), (one.pair.ours, one.pair.theirs), strokes, strict=True))
    for _, values, stroke in sides:
        axis.plot(steps, values.T, color=stroke.color, linestyle=stroke.dashes, linewidth=0.8, alpha=0.7)
    for _, values, stroke in sides:
        axis.plot(steps, values.mean(0), color=stroke.color, linestyle=stroke.dashes, linewidth=2.6)
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
    measure = measure_recorded_as(one.pair.metric)
    if measure.is_share:
        axis.set_ylim(-0.02, 1.02)
    axis.set_xlim(int(steps[0]), int(steps[-1]))
    axis.set_xlabel("training steps (updates)")
    axis.set_title(legible(measure.label, size=_LABEL_SIZE, width=4.4), fontsize=_LABEL_SIZE)
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axis.grid(color="0.93", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    low, high = axis.get_ylim()
    ends = [(float(values[:, -1].mean()) - low) / (high - low) for _, values, _ in sides]
    for (side, _, stroke), place in zip(sides, apart(ends, [_NAME_HEIGHT] * 2, 0, 1), strict=True):
        axis.annotate(
            legible(f"{side.name} ({len(side.members)})", size=_LABEL_SIZE, width=1.5),
            (1, place),
            (5, 0),
            xycoords=("axes fraction", "axes fraction"),
            textcoords="offset points",
            fontsize=_LABEL_SIZE,
            color=stroke.text_color,
            va="center",
            annotation_clip=False,
        )
