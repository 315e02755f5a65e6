"""One panel: bands, lines, points, paths, guessing, and values of a paper."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import IdentityTransform, ScaledTranslation

from icl_eval._drawing.axes import place_x, places_of, sequences_above, set_limits
from icl_eval._drawing.sizes import Sizes
from icl_eval._drawing.strokes import Stroke, stroke_of
from icl_eval._drawing.style import legible
from icl_eval._picture.picture import Axis, Line, Panel, next_mark

__all__ = ["draw_panel", "stroke_for", "with_own_chance"]

POINTS = 72
DASHED = (0, (4, 3))
_MARKERS_ON_A_CURVE = 6


def stroke_for(panel: Panel, line: Line) -> Stroke:
    """How a line of a panel is drawn."""
    return stroke_of(line.hue, panel.n_hues, ordered=panel.ordered)


def draw_panel(axes: Axes, panel: Panel, sizes: Sizes, *, title_width: float, above: bool) -> None:
    """Draw everything but labels and ticks, which hang on the room that the panel gets.

    Args:
        axes: where.
        panel: what.
        sizes: how large.
        title_width: room for the title, in inches.
        above: whether an axis of sequences stands above.
    """
    set_limits(axes, panel)
    for line in panel.lines:
        _DRAWN[line.kind](axes, panel, line, stroke_for(panel, line), sizes)
        _draw_marks(axes, panel, line, stroke_for(panel, line), sizes)
    _draw_chance(axes, panel, sizes)
    axes.grid(color="0.92", linewidth=0.5 * sizes.line)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=0.9 * sizes.font)
    if panel.title:
        text = legible(panel.title, size=sizes.font, width=title_width)
        axes.set_title(text, fontsize=sizes.font, loc="left")
    if above and panel.batch and panel.x.kind == "steps":
        sequences_above(axes, panel.batch, sizes)


def with_own_chance(panel: Panel) -> tuple[Line, ...]:
    """The lines of a panel but those of further measures whose guesses lie upon those of an earlier one: dashes over
    dashes would fill their gaps."""
    kept: list[Line] = []
    for line in panel.lines:
        if not (line.measure and any(_same_chance(line, other) for other in kept)):
            kept.append(line)
    return tuple(kept)


def _same_chance(line: Line, other: Line) -> bool:
    return np.array_equal(line.x, other.x) and np.allclose(line.chance, other.chance, atol=0.01, equal_nan=True)


def _draw_chance(axes: Axes, panel: Panel, sizes: Sizes) -> None:
    """Across the panel; where guessing gives more or less along the axis, from point to point."""
    stroke: Any = {"color": "0.45", "linestyle": DASHED, "linewidth": 0.6 * sizes.line, "zorder": 1}
    lines = with_own_chance(panel)
    changing = {id(line) for line in lines if len(np.unique(line.chance[~np.isnan(line.chance)])) > 1}
    for line in (one for one in lines if id(one) in changing):
        if panel.x.kind == "category":
            axes.hlines(line.chance, line.x - 0.4, line.x + 0.4, **stroke)
        else:
            axes.plot(place_x(panel.x, line.x), line.chance, **stroke)
    rest = replace(panel, lines=tuple(line for line in lines if id(line) not in changing))
    for level in rest.chances:
        axes.axhline(level, **stroke)


def _draw_mean(axes: Axes, panel: Panel, line: Line, stroke: Stroke, sizes: Sizes) -> None:
    x = places_of(panel, line)
    if panel.x.kind == "category":
        below, above = line.y - line.low, line.high - line.y
        bars = None if np.isnan(below).all() else np.clip(np.nan_to_num(np.stack([below, above])), 0, None)
        axes.errorbar(
            x,
            line.y,
            bars,
            color=stroke.color,
            marker=stroke.marker,
            linestyle="none",
            markersize=1.3 * sizes.marker,
            elinewidth=sizes.line,
            capsize=0.7 * sizes.marker,
        )
        return
    axes.fill_between(x, line.low, line.high, color=stroke.color, alpha=0.2, linewidth=0)
    over_time = panel.x.kind in ("steps", "sequences")
    axes.plot(
        x,
        line.y,
        color=stroke.color,
        linestyle=stroke.dashes,
        linewidth=sizes.line,
        marker=stroke.marker,
        markersize=sizes.marker,
        markevery=_some(line, panel.x) if over_time else None,
    )
    for index, _ in line.points:
        axes.plot(x[index], line.y[index], "o", markersize=2.2 * sizes.marker, color=stroke.color, fillstyle="none")


def _some(line: Line, axis: Axis) -> list[int]:
    """Places of markers on a curve, on every curve elsewhere; a single point has its own."""
    n = len(line.x)
    if axis.log and n > _MARKERS_ON_A_CURVE:
        shares = (np.arange(_MARKERS_ON_A_CURVE) + line.hue % 3 / 3) / _MARKERS_ON_A_CURVE
        wanted = line.x[0] * (line.x[-1] / line.x[0]) ** shares
        return sorted({int(np.abs(line.x - at).argmin()) for at in wanted})
    step = max(1, n // _MARKERS_ON_A_CURVE)
    first = line.hue * max(1, step // 3) % step if n > step else 0
    return list(range(first, n, step))


def _draw_run(axes: Axes, panel: Panel, line: Line, stroke: Stroke, sizes: Sizes) -> None:
    axes.plot(line.x, line.y, color=stroke.color, linestyle=stroke.dashes, linewidth=0.5 * sizes.line, alpha=0.4)


def _draw_best(axes: Axes, panel: Panel, line: Line, stroke: Stroke, sizes: Sizes) -> None:
    axes.fill_between(line.x, line.low, line.high, color=stroke.color, alpha=0.2, linewidth=0)
    axes.plot(
        line.x,
        line.y,
        color=stroke.color,
        linestyle=stroke.dashes,
        linewidth=1.4 * sizes.line,
        marker=stroke.marker,
        markersize=sizes.marker,
        markevery=_some(line, panel.x),
    )


def _draw_runs(axes: Axes, panel: Panel, line: Line, stroke: Stroke, sizes: Sizes) -> None:
    """Points side by side, in the order of the runs, so that equal ones are told apart."""
    spread = np.linspace(-0.25, 0.25, len(line.x)) if len(line.x) > 1 else np.zeros(1)
    best = int(np.argmax(line.y)) if len(line.y) else -1
    faces = ["none"] * len(line.x)
    axes.scatter(
        line.x + spread,
        line.y,
        s=sizes.marker**2,
        marker=stroke.marker,
        facecolors=faces,
        edgecolors=[stroke.color],
        linewidths=0.6 * sizes.line,
    )
    axes.scatter(
        line.x[best] + spread[best],
        line.y[best],
        s=(1.6 * sizes.marker) ** 2,
        marker=stroke.marker,
        color=[stroke.color],
    )


def _draw_path(axes: Axes, panel: Panel, line: Line, stroke: Stroke, sizes: Sizes) -> None:
    axes.plot(line.x, line.y, color=stroke.color, linestyle=stroke.dashes, linewidth=0.8 * sizes.line, alpha=0.85)
    between = [index for index, text in line.points if text not in ("start", "end")]
    axes.plot(
        line.x[between],
        line.y[between],
        linestyle="none",
        marker=stroke.marker,
        markersize=sizes.marker,
        color=stroke.color,
    )
    axes.plot(line.x[0], line.y[0], "o", markersize=1.2 * sizes.marker, color=stroke.color, fillstyle="none")
    for index in between:
        before = _earlier(line, index)
        if before is not None:
            axes.annotate(
                "",
                (line.x[index], line.y[index]),
                (line.x[before], line.y[before]),
                arrowprops={"arrowstyle": "->", "color": stroke.color, "linewidth": 0.8 * sizes.line},
            )
    axes.plot(line.x[-1], line.y[-1], marker=stroke.marker, markersize=1.5 * sizes.marker, color=stroke.color)


def _earlier(line: Line, index: int) -> int | None:
    """The last point before ``index`` that lies apart from it, so that an arrow has a direction."""
    for before in range(index - 1, -1, -1):
        if np.hypot(line.x[index] - line.x[before], line.y[index] - line.y[before]) > 0.03:
            return before
    return None


def _draw_marks(axes: Axes, panel: Panel, line: Line, stroke: Stroke, sizes: Sizes) -> None:
    """Open diamonds: at their place where the axis reaches it, and a paper's next value beyond the right edge."""
    over_time = panel.x.kind in ("steps", "sequences")
    edge = axes.get_xlim()[1]
    following = next_mark(line.marks, edge)
    for mark in line.marks:
        beyond = over_time and mark.x > edge
        if beyond and mark is not following:
            continue
        axes.plot(
            edge if beyond else float(place_x(panel.x, np.array([mark.x]))[0]),
            mark.y,
            marker="D",
            markersize=1.5 * sizes.marker,
            fillstyle="none",
            color=stroke.color,
            markeredgewidth=0.7 * sizes.line,
            clip_on=False,
            zorder=5,
            transform=axes.transData + (_beyond(axes, sizes) if beyond else IdentityTransform()),
        )


def _beyond(axes: Axes, sizes: Sizes) -> ScaledTranslation:
    """A little to the right of the panel."""
    return ScaledTranslation(sizes.font / POINTS, 0, axes.figure.dpi_scale_trans)


_DRAWN = {"mean": _draw_mean, "best": _draw_best, "run": _draw_run, "runs": _draw_runs, "path": _draw_path}
