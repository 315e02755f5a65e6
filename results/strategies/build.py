"""Measure what the checkpoints of runs of the experiment figure3 do with a context, and make this page of it.

    python results/strategies/build.py [RUNS ...]

Runs are measured that have a checkpoint that the page has not; what it has stays when they are gone. Without RUNS the
picture and the tables are made anew of the page's own file.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from fill import fill
from omniglot import Figure3Run, add_scales, arguments, made, runs_of_figure3
from recorded_runs import Row, draw, read_rows, write_rows

from icl_data.foundation.whole_file import whole_file
from icl_train import RunError

HERE = Path(__file__).parent
FILE = "checkpoints.csv"
SEQUENCES = 2048
COLUMNS_OF_PANELS = 3


@dataclass(frozen=True)
class Asked:
    """What is asked of a checkpoint.

    Attributes:
        evaluation: of icl-eval.
        column: of what `icl-eval evaluate` writes.
        label: in the picture.
        color, dashes: of its line.
    """

    evaluation: str
    column: str
    label: str
    color: str
    dashes: str | tuple[int, tuple[int, ...]] = "-"


# In the colours of Okabe and Ito, which all eyes tell apart; dashes tell them apart in grey.
QUESTIONS = {
    "own_labels": Asked("fewshot_own", "fewshot_own", "trained classes, own labels", "#000000"),
    "ciwl": Asked("ciwl", "ciwl", "label on another class (CIWL)", "#D55E00", (0, (6, 2))),
    "trained_classes": Asked("fewshot_zipfian", "fewshot_zipfian", "trained classes, labels 0 and 1", "#009E73", "-."),
    "icl": Asked("fewshot_holdout", "icl_two_way", "new classes, labels 0 and 1 (ICL)", "#0072B2", (0, (3, 1))),
    "exchanged_labels": Asked("flip", "flip", "trained classes, labels exchanged", "#CC79A7", ":"),
}
ENDS = ("", "_low", "_high")


def condition_of(one: Figure3Run) -> str:
    """What the seeds of a run have in common, in words."""
    groups = "" if one.statistics is None else f", groups of {one.statistics}"
    return f"{one.images}, {one.classes:,} classes{groups}"


def measured(one: Figure3Run) -> list[Row]:
    """A row for each checkpoint of a run.

    Raises:
        RunError: if it cannot be measured; why is on stderr.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "evaluation.csv"
        evaluations = [asked.evaluation for asked in QUESTIONS.values()]
        words = ("--all-checkpoints", "--splits", *evaluations, "--sequences", SEQUENCES, "--out", file)
        if not draw("evaluate", one.run.path, *words):
            raise RunError(f"{one.run.path} could not be measured")
        rows = read_rows(file)
    return [
        {
            "condition": condition_of(one),
            **one.place,
            "seed": one.seed,
            "step": row["step"],
            "sequences": row["sequences"],
            "n_sequences": SEQUENCES,
            **{f"{name}{end}": row[f"{asked.column}{end}"] for name, asked in QUESTIONS.items() for end in ENDS},
        }
        for row in rows
    ]


def place_of(row: Mapping[str, object]) -> tuple[object, ...]:
    """Where a row stands: images, groups, classes, seed, step."""
    groups = row["sequences_per_statistics"]
    return row["images"], int(str(groups or 0)), *(int(str(row[name])) for name in ("classes", "seed", "step"))


def kept(file: Path) -> list[dict[str, str]]:
    """The rows that the page has.

    Raises:
        RunError: if they are not what this build has written.
    """
    try:
        rows = read_rows(file)
        for row in rows:
            place_of(row)
            for name in QUESTIONS:
                float(row[name])
    except (csv.Error, KeyError, ValueError, TypeError) as error:  # a short line has None
        raise RunError(f"{file} must be what a build has written: {error}") from error
    return rows


def picture(file: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """A panel for each condition: every run a line for each question."""
    conditions = list(dict.fromkeys(row["condition"] for row in rows))
    columns = min(len(conditions), COLUMNS_OF_PANELS)
    lines = -(-len(conditions) // columns)
    size = (1.0 + 3.2 * max(columns, 2), 1.1 + 2.7 * lines)
    figure, axes = plt.subplots(lines, columns, figsize=size, layout="constrained", squeeze=False, sharey=True)
    for axis, condition in zip(axes.flat, conditions, strict=False):
        panel(axis, condition, [row for row in rows if row["condition"] == condition])
    for axis in axes.flat[len(conditions) :]:
        axis.set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel("accuracy between two labels")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    known = dict(zip(labels, handles, strict=True))
    figure.legend(known.values(), known, loc="outside upper left", ncols=2, frameon=False, fontsize=9, handlelength=3)
    with whole_file(file) as beside:
        figure.savefig(beside, format="png", dpi=160, metadata={"Software": None})
    plt.close(figure)


def panel(axis: Axes, condition: str, rows: Sequence[Mapping[str, str]]) -> None:
    """The runs of one condition."""
    for run in dict.fromkeys(row["run"] for row in rows):
        own = [row for row in rows if row["run"] == run]
        steps = [int(row["step"]) for row in own]
        for name, asked in QUESTIONS.items():
            values = [float(row[name]) for row in own]
            style = {"color": asked.color, "linestyle": asked.dashes, "linewidth": 1.6, "marker": "o", "markersize": 3}
            axis.plot(steps, values, label=asked.label, **style)
    axis.axhline(0.5, color="0.55", linestyle=(0, (1, 2)), linewidth=1)
    place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    axis.annotate("chance", (0, 0.5), (3, 2), fontsize=7, color="0.4", **place)
    axis.set(title=condition, xlim=(0, None), ylim=(-0.03, 1.03), xlabel="training steps (updates)")
    axis.title.set_fontsize(10)
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.locator_params(axis="x", nbins=5, integer=True)
    axis.grid(color="0.93")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def make(chosen: argparse.Namespace) -> int:
    """The files of the page; the exit code."""
    file = chosen.out / FILE
    rows: dict[tuple[object, ...], Mapping[str, object]] = {
        place_of(row): row for row in ([] if chosen.fresh else kept(file))
    }
    with runs_of_figure3(chosen, chosen.scale) as found:
        for one in found:
            there = {row["step"] for row in rows.values() if row["run"] == one.name}
            if missing := [step for step in one.run.checkpoint_steps() if str(step) not in there]:
                print(f"{one.name}: measuring its checkpoints of step {', '.join(map(str, missing))}", file=sys.stderr)
                rows |= {place_of(row): row for row in measured(one)}
    if not rows:
        said = "there must be runs of figure3 with checkpoints below the folders, got none"
        print(f"{HERE.name}/build.py: {said}", file=sys.stderr)
        return 1
    chosen.out.mkdir(parents=True, exist_ok=True)
    write_rows(file, [dict(rows[place]) for place in sorted(rows)])
    picture(chosen.out / "strategies.png", read_rows(file))
    if (chosen.out / "README.md").exists():
        fill(chosen.out / "README.md")
    return 0


def main(args: list[str]) -> int:
    """Run the command; the exit code."""
    parser = arguments(HERE, (__doc__ or "").split("\n")[0])
    add_scales(parser)
    return made(make, parser.parse_args(args), HERE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
