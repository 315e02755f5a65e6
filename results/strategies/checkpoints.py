"""What is asked of the checkpoints of runs, and the file with the answers."""

from __future__ import annotations

import csv
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from figure3_runs import Figure3Run
from recorded_runs import Row, draw, read_rows

from icl_train import RunError

__all__ = ["QUESTIONS", "Place", "Question", "in_order", "kept", "measured", "place_of"]

SEQUENCES = 2048
ENDS = ("", "_low", "_high")
Place = tuple[str, int, int, int, int]
"""Images, groups (0: no batch norm), classes, seed, step."""


@dataclass(frozen=True)
class Question:
    """What is asked of a checkpoint.

    Attributes:
        evaluation: of icl-eval, over all labels or between two.
        column: of what `icl-eval evaluate` writes.
        label: in the picture.
        color, dashes: of its line.
        of_two: whether the answer is the better one of two labels, so that chance is 1/2.
        protocol: how its sequences are drawn.
        is_drawn: whether the picture shows it.
    """

    evaluation: str
    column: str
    label: str
    color: str
    dashes: str | tuple[int, tuple[int, ...]] = "-"
    of_two: bool = False
    protocol: str = "paper"
    is_drawn: bool = True


# In the colours of Okabe and Ito, which all eyes tell apart; dashes tell them apart in grey.
QUESTIONS = {
    "ciwl": Question("ciwl_all:base=ciwl,answers=all", "ciwl_all", "label on another class (CIWL)", "#D55E00"),
    "iwl": Question("no_support_zipfian", "iwl", "label not in the context (IWL)", "#000000", (0, (6, 2))),
    "exchanged_labels": Question("flip_all:base=flip,answers=all", "flip_all", "labels exchanged", "#CC79A7", ":"),
    "trained_classes": Question("novel_label_trained", "novel_label_trained", "trained classes", "#009E73", "-.", True),
    "new_classes": Question("novel_label", "icl_novel_label", "new classes", "#0072B2", "-", True),
    "icl": Question(
        "fewshot_holdout", "icl_two_way", "new classes, labels 0 and 1 (ICL)", "#E69F00", (0, (3, 1)), True
    ),
    # In about one of ten of these sequences both labels stand for one class, since ten are held out.
    "icl_released": Question(
        "fewshot_holdout", "icl_two_way", "ICL as released", "#E69F00", of_two=True, protocol="released", is_drawn=False
    ),
}


def measured(one: Figure3Run, step: int) -> Row:
    """The row of a checkpoint of a run.

    Args:
        one: the run.
        step: of the checkpoint.

    Raises:
        RunError: if it cannot be measured; why is on stderr.
    """
    answers = {}
    for protocol in sorted({asked.protocol for asked in QUESTIONS.values()}):
        questions = {name: asked for name, asked in QUESTIONS.items() if asked.protocol == protocol}
        row = _evaluated(one, step, protocol, [asked.evaluation for asked in questions.values()])
        answers |= {f"{name}{end}": row[f"{asked.column}{end}"] for name, asked in questions.items() for end in ENDS}
    place = {name: value for name, value in one.place.items() if name != "run"} | {"seed": one.seed}
    return {
        **_named(place),
        **place,
        "step": step,
        "n_sequences": SEQUENCES,
        **{f"{name}{end}": answers[f"{name}{end}"] for name in QUESTIONS for end in ENDS},
    }


def _evaluated(one: Figure3Run, step: int, protocol: str, evaluations: Sequence[str]) -> Mapping[str, str]:
    """What `icl-eval evaluate` writes of a checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "evaluation.csv"
        words = ("--step", step, "--protocol", protocol, "--splits", *evaluations, "--sequences", SEQUENCES)
        if not draw("evaluate", one.run.path, *words, "--out", file):
            raise RunError(f"{one.run.path} could not be measured")
        (row,) = read_rows(file)
    return row


def place_of(row: Mapping[str, object]) -> Place:
    """Where a row stands among the others."""
    groups, classes, seed, step = (
        int(str(row[name] or 0)) for name in ("sequences_per_statistics", "classes", "seed", "step")
    )
    return str(row["images"]), groups, classes, seed, step


def in_order(rows: Mapping[Place, Mapping[str, object]]) -> list[Row]:
    """The rows as they stand in the file: small images before large ones, few classes before many."""
    return [dict(rows[place]) for place in sorted(rows, key=lambda place: (len(place[0]), place))]


def _named(row: Mapping[str, object]) -> dict[str, str]:
    """What the seeds of a run have in common, in words, and what the run is called."""
    groups, classes = row["sequences_per_statistics"], int(str(row["classes"]))
    condition = f"{row['images']}, {classes:,} classes" + (f", groups of {groups}" if groups else "")
    statistics = f"-statistics{groups}" if groups else ""
    return {
        "condition": condition,
        "run": f"{row['images']}-classes{classes}{statistics}-s{row['seed']}".replace(" ", "-"),
    }


def kept(file: Path) -> dict[Place, Mapping[str, object]]:
    """The rows that a file has; none if it is not there.

    Raises:
        RunError: if it is not what a build has written; the message has the row.
    """
    if not file.exists():
        return {}
    found: dict[Place, Mapping[str, object]] = {}
    try:
        rows = read_rows(file)
    except (csv.Error, ValueError) as error:
        raise RunError(f"{file} must be what a build has written, got a file that is no CSV: {error}") from error
    if not rows:
        raise RunError(f"{file} must be what a build has written, got a file without rows")
    for number, row in enumerate(rows, start=2):
        if why := _refused(row):
            raise RunError(f"{file} must be what a build has written: in line {number} {why}")
        if place_of(row) in found:
            raise RunError(f"{file} must have each checkpoint once: line {number} is of one that stands above")
        found[place_of(row)] = row
    return found


def _refused(row: Mapping[str, str]) -> str:
    """What of a row no build has written; empty if it is right."""
    columns = ["condition", "run", "images", "classes", "sequences_per_statistics", "seed", "step", "n_sequences"]
    columns += [f"{name}{end}" for name in QUESTIONS for end in ENDS]
    if list(row) != columns or None in row.values():
        return f"there must be the columns {', '.join(columns)}, no more and no fewer cells"
    for name in ("classes", "sequences_per_statistics", "seed", "step", "n_sequences"):
        if not (row[name].isascii() and row[name].isdecimal()) and (name, row[name]) != (
            "sequences_per_statistics",
            "",
        ):
            return f"{name} must be a whole number, got {row[name]!r}"
    for name, said in _named(row).items():
        if row[name] != said:
            return f"{name} must be {said!r}, got {row[name]!r}"
    for name in QUESTIONS:
        cells = [row[f"{name}{end}"] for end in ("_low", "", "_high")]
        try:
            low, value, high = map(float, cells)
        except ValueError:
            return f"{name} and its bounds must be numbers, got {', '.join(map(repr, cells))}"
        if not 0 <= low <= value <= high <= 1:
            return f"{name} must be between its bounds, and all from 0 to 1, got {low} <= {value} <= {high}"
    return ""
