"""Figures 3a and 3b: in-context and in-weights learning over training, a curve per number of classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from icl_data.foundation.whole_file import whole_file
from icl_eval._figures.curves import Curve, FigureSpec, Floats, curve
from icl_eval._figures.published import PUBLISHED_STEPS, published
from icl_eval._figures.style import legible, own_style
from icl_eval._runs import RunGroup
from icl_train import HEADLINES

PANELS_PER_ROW = 3
TITLE_SIZE = 9
PUBLISHED = "published (Chan et al.)"

__all__ = ["draw"]


def draw(spec: FigureSpec, groups: Sequence[RunGroup], files: Sequence[Path]) -> None:
    """Draw one panel per group and write it to each of ``files`` (the suffix decides the format).

    Args:
        spec: the figure.
        groups: runs, a panel each.
        files: where to write it, once for each.
    """
    columns = min(len(groups), PANELS_PER_ROW)
    rows = -(-len(groups) // columns)
    with own_style():
        lines = max(_title(group).count("\n") for group in groups)
        size = (1.6 + 4.8 * columns, (4.2 + 0.15 * lines) * rows)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, sharey=True)
        for axis, group in zip(axes.flat, groups, strict=False):
            _panel(spec, axis, group)
        for axis in axes.flat[len(groups) :]:
            axis.set_visible(False)
        for axis in axes[:, 0]:
            axis.set_ylabel(HEADLINES[spec.split].label)
        figure.suptitle(spec.title)
        for file in files:
            with whole_file(file) as beside:
                figure.savefig(beside, dpi=160)


def _title(group: RunGroup) -> str:
    return legible(group.title, size=TITLE_SIZE, width=4.4)  # as wide as a panel with its legend


def _panel(spec: FigureSpec, axis: Axes, group: RunGroup) -> None:
    counts = group.class_counts()
    colors = colormaps["viridis"](np.linspace(0.0, 0.88, max(len(counts), 2)))
    curves = [curve(spec, group, count) for count in counts]
    last = max(int(one.steps[-1]) for one in curves)
    legend: list[Line2D] = []
    for count, one, color in zip(counts, curves, colors, strict=False):
        axis.fill_between(one.steps, one.low, one.high, color=color, alpha=0.2, linewidth=0)
        # A single evaluation makes no line: show it as a point.
        axis.plot(one.steps, one.mean, color=color, marker="o" if len(one.steps) == 1 else None, linewidth=1.8)
        legend.append(Line2D([], [], color=color, linewidth=1.8, label=f"{count:,}"))
        _mark_published(spec, axis, group, count, color, last)
    for level in sorted({one.chance for one in curves}):
        axis.axhline(level, color="0.45", linestyle=(0, (4, 3)), linewidth=1.0, zorder=1)
    legend.append(Line2D([], [], color="0.45", linestyle=(0, (4, 3)), linewidth=1.0, label=_chance_label(curves)))
    if any(published(spec.name, series.run.config) for series in group.series):
        legend.append(
            Line2D([], [], color="0.6", marker="D", markersize=6, fillstyle="none", linestyle="none", label=PUBLISHED)
        )
    axis.set(xlim=(0, max(last, 1)), ylim=(-0.02, 1.02), xlabel="training steps (updates)")
    axis.set_title(_title(group), fontsize=TITLE_SIZE)
    axis.grid(color="0.92", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    batch = group.config.train.batch_size
    top = axis.secondary_xaxis(
        "top", functions=(lambda step: np.multiply(step, batch), lambda sequences: np.divide(sequences, batch))
    )
    top.set_xlabel(f"sequences ({batch} per step)", fontsize=8)
    top.tick_params(labelsize=8)
    for steps in (axis.xaxis, top.xaxis):
        steps.set_major_formatter("{x:,.0f}")
        steps.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axis.legend(
        handles=legend,
        title="trained classes",
        loc="upper left",
        bbox_to_anchor=(1.08, 1.0),  # right of the published values on the edge
        fontsize=8,
        title_fontsize=8,
        frameon=False,
    )
    axis.text(1.09, 0.0, _band_label(curves), transform=axis.transAxes, fontsize=7, color="0.35", va="bottom")


def _mark_published(spec: FigureSpec, axis: Axes, group: RunGroup, count: int, color: Floats, last: int) -> None:
    """Light diamonds: at their step where the axis reaches it, the paper's last value else on the right edge."""
    points = published(spec.name, group.with_count(count)[0].run.config)
    for step, value in points:
        beyond = step > last
        if beyond and step != PUBLISHED_STEPS:
            continue
        axis.plot(
            last if beyond else step,
            value,
            marker="D",
            markersize=7,
            fillstyle="none",
            color=color,
            alpha=0.6,
            clip_on=False,
            zorder=5,
        )
        if beyond:
            axis.annotate(
                f"{step // 1000}k",
                (last, value),
                (6, 0),
                textcoords="offset points",
                fontsize=6,
                color="0.4",
                va="center",
            )


def _chance_label(curves: Sequence[Curve]) -> str:
    levels = sorted({one.chance for one in curves})
    if len(levels) == 1:
        return f"chance {levels[0]:.3g}"
    return f"chance {levels[0]:.2g} to {levels[-1]:.2g}"


def _band_label(curves: Sequence[Curve]) -> str:
    seeds = sorted({one.n_seeds for one in curves})
    single, several = "band: 95%\ninterval\n(one seed)", [n for n in seeds if n > 1]
    if not several:
        return single
    number = f"{several[0]}" if len(several) == 1 else f"{several[0]} to {several[-1]}"
    means = f"line: mean of\n{number} seeds\nband: least\nto greatest"
    return means if 1 not in seeds else f"{means}\nor, one seed,\n95% interval"
