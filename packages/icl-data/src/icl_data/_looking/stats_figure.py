"""Statistics of sequences as a matplotlib figure; needs the extra `icl-data[plot]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from icl_data._looking.stats import SequenceStatistics
from icl_data.foundation.extras import require_extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MEASURED, _EXPECTED = "#0072B2", "#D55E00"
_MOST_BARS = 40
_NEARLY_FLAT = 10  # times from the least to the greatest probability of a law


def draw_statistics(statistics: SequenceStatistics) -> Figure:
    """Draw how frequent the queries' classes are beside their law, how much support queries have, and their labels.

    Args:
        statistics: what `sequence_statistics` counted.

    Returns:
        A figure that belongs to no window and looks the same whatever matplotlib is set to; `figure.savefig(path)`
        writes it.

    Raises:
        ImportError: the extra `icl-data[plot]` is not installed.
    """
    require_extra("matplotlib", "icl-data[plot]", "draw_statistics")
    from icl_data._looking.own_figure import OwnFigure, own_style

    with own_style():
        figure = OwnFigure(figsize=(13.5, 4.0), layout="constrained")
        ranks, support, labels = figure.subplots(1, 3)
        _draw_ranks(ranks, statistics)
        _draw_support(support, statistics)
        _draw_labels(labels, statistics)
        for axes in (ranks, support, labels):
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(color="0.92", linewidth=0.8)
            axes.set_axisbelow(True)
    return figure


def _draw_ranks(axes: Axes, found: SequenceStatistics) -> None:
    fit = found.query_fit
    ranks = np.arange(1, len(fit.classes) + 1)
    seen = fit.measured > 0
    axes.plot(ranks[seen], fit.measured[seen] / found.n_sequences, ".", color=_MEASURED, markersize=4, label="measured")
    axes.plot(
        ranks, fit.expected, color=_EXPECTED, label="expected", marker="_" if len(ranks) == 1 else None, linewidth=1.5
    )
    axes.set(xscale="log", yscale="log", xlabel="rank of the class", ylabel="share of queries")
    if fit.expected[0] < _NEARLY_FLAT * fit.expected[-1]:  # noise alone should not look like a law
        axes.set_ylim(fit.expected[-1] / _NEARLY_FLAT, fit.expected[0] * _NEARLY_FLAT)
    p_value = "" if fit.p_value is None else f", p = {fit.p_value:.2g}"
    axes.set_title(f"Classes of {found.n_sequences:,} queries{p_value}", fontsize=10)
    axes.legend(frameon=False)


def _draw_support(axes: Axes, found: SequenceStatistics) -> None:
    times = np.arange(found.seq_len)
    shares = found.query_support / found.n_sequences
    bars = axes.bar(times, shares, color=[_MEASURED if time >= found.shots else "0.7" for time in times])
    axes.bar_label(bars, [f"{share:.1%}" if share else "" for share in shares], fontsize=7)
    axes.set(xlabel="appearances of the query's class in the context", ylabel="share of sequences", xticks=times)
    axes.set_title(f"Support of the query: {found.burstiness:.1%} bursty ({found.shots} or more)", fontsize=10)


def _draw_labels(axes: Axes, found: SequenceStatistics) -> None:
    shares = found.label_counts / found.n_sequences
    title = f"Labels of queries: {found.label_entropy:.2f} of {found.max_label_entropy:.2f} bits"
    axes.set(ylabel="share of queries")
    axes.set_title(title, fontsize=10)
    if len(shares) <= _MOST_BARS:
        places = np.arange(len(shares))
        axes.bar(places, shares, color=_MEASURED)
        axes.set(xlabel="label")
        rotation = 90 if len(shares) > 12 else 0
        axes.set_xticks(places, [str(label) for label in found.labels], fontsize=7, rotation=rotation)
        return
    axes.plot(np.arange(1, len(shares) + 1), np.sort(shares)[::-1], ".", color=_MEASURED, markersize=4)
    axes.set(xscale="log", yscale="log", xlabel="rank of the label")
