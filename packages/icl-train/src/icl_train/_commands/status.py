"""The command ``icl-train status``: what has been trained, and how well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro
from rich import box
from rich.table import Table

from icl_data.foundation.printable import one_line, printable
from icl_train._runs.departures import departures
from icl_train._runs.folder import RunFolder, find_runs
from icl_train._runs.headlines import HEADLINES
from icl_train.command_line import parse, show_table, shown_width

__all__ = ["status"]

WIDE = 120
IN_THE_NAME = ("data.source", "data.n_rare_classes", "seeds.init", "seeds.data")
STATUS_LEGEND = """\
ICL: two-way accuracy on new classes (chance 1/2). IWL: accuracy over all labels
without the class in context (chance 1/labels). Intervals: metrics.jsonl"""


@dataclass(frozen=True)
class StatusCommand:
    """A table of the runs below a folder: state, steps, and the last evaluation."""

    runs: tyro.conf.Positional[Path] = Path("runs")
    """The folder."""


def _status_row(run: RunFolder) -> list[str]:
    records = run.records()
    last = {record["split"]: record for record in records}
    scores = [
        f"{record[HEADLINES[split].metric]:.3f}" if (record := last.get(f"eval_{split}")) else "-"
        for split in ("fewshot_holdout", "no_support_zipfian")
    ]
    step = max((record["step"] for record in records), default=0)
    return [printable(run.name), run.status(), f"{step}", f"{run.config.train.max_steps}", *scores]


def status(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    runs, broken = find_runs(parse(StatusCommand, args, prog="icl-train status").runs)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("run", overflow="fold")
    for column in ("state", "step", "of", "ICL", "IWL"):
        table.add_column(column, justify="left" if column == "state" else "right", no_wrap=True)
    wide = shown_width() >= WIDE
    if wide:
        table.add_column("differs in", overflow="fold")
    told_apart = departures([run.config for run in runs], left_out=IN_THE_NAME)
    for run, differences in zip(runs, told_apart, strict=True):
        try:
            told = printable(" ".join([f"{name}={value}" for name, value in differences.items()][:3]))
            table.add_row(*_status_row(run), *([told] if wide else []))
        except (ValueError, KeyError, TypeError) as error:
            broken.append((run.path, f"cannot read its metrics.jsonl ({type(error).__name__}: {error})"))
    show_table(table)
    if runs:
        print(STATUS_LEGEND)
    for run in runs:
        if run.unusable:
            print(one_line(f"{run.path}: {run.unusable}"))
    for path, reason in broken:
        print(one_line(f"skipped {path}: {reason}"))
    if not runs:
        print("no runs found")
    return 0
