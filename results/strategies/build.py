"""Measure what the checkpoints of runs of the experiment figure3 do with a context, and make this page of it.

    python results/strategies/build.py [RUNS ...]

Checkpoints are measured that the page has not; what it has stays as it is, and when runs are gone. Without RUNS the
picture and the tables are made anew of the page's own file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from checkpoints import QUESTIONS, in_order, kept, measured, place_of
from figure3_runs import runs_of_figure3
from fill import fill
from page import arguments, made
from recorded_runs import read_rows, write_rows

from icl_data.foundation.whole_file import try_file, whole_file

HERE = Path(__file__).parent
FILE = "checkpoints.csv"
MARKERS = "osD^v"  # of seeds
CONDITIONS_BESIDE = 4
PANELS = {False: "accuracy over all labels", True: "accuracy between two labels"}


def figure_of(rows: Sequence[Mapping[str, str]]) -> Figure:
    """Two panels for each condition, above over all labels, below between two; a line for each run and question."""
    conditions = list(dict.fromkeys(row["condition"] for row in rows))
    columns = min(len(conditions), CONDITIONS_BESIDE)
    lines = -(-len(conditions) // columns)
    figure = Figure(figsize=(1.6 + 2.7 * max(columns, 2), 6.2 * lines), layout="constrained")
    axes = figure.subplots(2 * lines, columns, squeeze=False, sharex=True, sharey=True)
    for axis in axes.flat:
        axis.set_visible(False)
    for number, condition in enumerate(conditions):
        line, column = divmod(number, columns)
        own = [row for row in rows if row["condition"] == condition]
        pair = axes[2 * line : 2 * line + 2, column]
        for axis, (of_two, label) in zip(pair, PANELS.items(), strict=True):
            axis.set_visible(True)
            panel(axis, own, of_two=of_two)
            if column == 0:
                axis.set_ylabel(label)
            if number == columns - 1:
                explain(axis, of_two=of_two)
        pair[0].set_title(condition.replace(" classes, ", " classes,\n"), fontsize=10)
        pair[1].set_xlabel("training steps (updates)")
        pair[1].tick_params(labelbottom=True)
    axes[0, 0].set(xlim=(0, 1.04 * max(int(row["step"]) for row in rows)), ylim=(-0.03, 1.03))  # of all panels
    return figure


def explain(axis: Axes, *, of_two: bool) -> None:
    """What the lines are, right of a panel."""
    handles, labels = axis.get_legend_handles_labels()
    known = dict(zip(labels, handles, strict=True))  # of all seeds one
    place = {"bbox_to_anchor": (1.0, 0.5), "loc": "center left", "frameon": False, "fontsize": 8, "handlelength": 3}
    title = "labels drawn in each sequence" if of_two else "trained classes under their labels"
    legend = axis.legend(known.values(), known, title=title, title_fontsize=8, **place)
    legend.set_alignment("left")


def panel(axis: Axes, rows: Sequence[Mapping[str, str]], *, of_two: bool) -> None:
    """The runs of one condition, with markers by seed."""
    for number, run in enumerate(dict.fromkeys(row["run"] for row in rows)):
        own = [row for row in rows if row["run"] == run]
        steps = [int(row["step"]) for row in own]
        for name, asked in QUESTIONS.items():
            if asked.is_drawn and asked.of_two == of_two:
                style = {"color": asked.color, "linestyle": asked.dashes, "linewidth": 1.5, "markersize": 4}
                values = [float(row[name]) for row in own]
                axis.plot(steps, values, label=asked.label, marker=MARKERS[number % len(MARKERS)], **style)
    axis.axhline(0.5, color="0.55", linestyle=(0, (1, 2)), linewidth=1)
    place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "top"}
    said = "chance" if of_two else "either label of the context"  # what CIWL is without a memory of classes
    axis.annotate(said, (0, 0.5), (3, -3), fontsize=7, color="0.4", **place)
    axis.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:g}k" if value else "0")
    axis.locator_params(axis="x", nbins=5, integer=True)
    axis.grid(color="0.93")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def make(chosen: argparse.Namespace) -> int:
    """The files of the page; the exit code."""
    file = chosen.out / FILE
    rows = {} if chosen.fresh else kept(file)
    with runs_of_figure3(chosen, chosen.scale) as found:
        runs = [one for one in found if one.run.checkpoint_steps()]
        if not rows and not runs:
            said = "there must be runs of figure3 with checkpoints below the folders, got none"
            print(f"{HERE.name}/build.py: {said}", file=sys.stderr)
            return 1
        chosen.out.mkdir(parents=True, exist_ok=True)
        try_file(file)  # before anything is measured
        for one in runs:
            there = {int(str(row["step"])) for row in rows.values() if row["run"] == one.name}
            if missing := [step for step in one.run.checkpoint_steps() if step not in there]:
                print(f"{one.name}: measuring its checkpoints of step {', '.join(map(str, missing))}", file=sys.stderr)
            for step in missing:  # rows that are there may come of another machine
                row = measured(one, step)
                rows[place_of(row)] = row
                write_rows(file, in_order(rows))  # whatever becomes of the next one
    if not runs:
        write_rows(file, in_order(rows))
    with whole_file(chosen.out / "strategies.png") as beside:
        figure_of(read_rows(file)).savefig(beside, format="png", dpi=150, metadata={"Software": None})
    if (chosen.out / "README.md").exists():
        fill(chosen.out / "README.md")
    return 0


def main(args: list[str]) -> int:
    """Run the command; the exit code."""
    return made(make, arguments(HERE, (__doc__ or "").split("\n")[0], has_scales=True).parse_args(args), HERE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
