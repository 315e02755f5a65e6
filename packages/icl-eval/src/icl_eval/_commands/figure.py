"""``icl-eval figure3a`` and its like: a figure, the files of its numbers, and a table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from icl_data.foundation.printable import printable
from icl_eval._commands.drawn import folder_for, output, read_runs, roots_of, runs_of_experiment
from icl_eval._figures.known import figure_called
from icl_eval._figures.needs import Needs, needs_of
from icl_eval._runs import RunGroup, collect, group_runs
from icl_eval._tables.tables import final_rows, timeseries_rows
from icl_models import FigureSpec
from icl_train import RunError
from icl_train.command_line import parse

__all__ = ["figure"]

# Figures with a row for each run and evaluation in files of their own, which scripts read.
_PER_RUN = ("figure3a", "figure3b")


@dataclass(frozen=True)
class FigureCommand:
    """Draw the figure (PNG, PDF, SVG), write what it shows (CSV) and print the last values."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUNS [RUNS ...]")] = (Path("runs"),)
    """Folders with run folders at any depth, behind links as well."""
    out: Path | None = None
    """Folder for the files; default: the first of the runs' folders."""
    experiment: str | None = None
    """Draw the runs of this experiment alone (figure2, …), which are known by their settings."""
    scale: str | None = None
    """Its scale, where there are runs of several."""
    style: Literal["notebook", "paper", "talk"] = "notebook"
    """Sizes for a notebook or screen, for a column of a paper, for a slide."""
    band: Literal["range", "sd", "bootstrap"] = "range"
    """Around a mean of several seeds: least to greatest, ± one standard deviation, or the 95% bootstrap interval of the
    mean; a single run has the 95% Wilson interval of its sequences."""
    unfinished: bool = False
    """Take runs that have not reached their last step, too, as far as they are."""
    json: bool = False
    """Print rows as JSON instead of the table; nothing else goes to stdout."""


def figure(name: str, args: Sequence[str]) -> int:
    """Run the command of one figure; returns the exit code.

    Args:
        name: of the figure.
        args: what follows it.
    """
    spec, prog = figure_called(name), f"icl-eval {name}"
    command = parse(FigureCommand, args, prog=prog)
    roots = roots_of(command.runs, prog)
    folder = folder_for(command.out, roots)
    runs = runs_of_experiment(roots, command.experiment, command.scale, unfinished=command.unfinished)
    table = read_runs(runs, unfinished=command.unfinished)
    needs = needs_of(spec, table)
    if not needs.recorded:
        first = needs.missing_measures[0]
        what = "records" if first.startswith("train/") else "evaluations"
        raise RunError(
            f"{name} needs at least one finished run with {what} of {first}, "
            f"found none below {', '.join(map(str, roots))}{_trained_by(spec, roots)}"
        )
    if needs.missing_measures:
        missing = ", ".join(needs.missing_measures)
        print(
            printable(f"{prog}: no run has records of {missing}: drawn without{_trained_by(spec, roots)}"),
            file=sys.stderr,
        )
    picture = spec.picture(table, band=command.band)
    if not picture.panels:
        raise RunError(f"{name} needs runs with records of {' and '.join(spec.measures)} at the same steps, found none")
    further = []
    if name in _PER_RUN:
        groups = _groups(spec, runs, unfinished=command.unfinished)
        further = [
            ("_metrics.csv", lambda: final_rows(spec, groups)),
            ("_timeseries.csv", lambda: timeseries_rows(spec, groups)),
        ]
    return output(
        picture,
        folder,
        prog=prog,
        style=command.style,
        chosen=command.out is not None,
        as_json=command.json,
        further=further,
        remarks=_remarks(spec, needs, roots),
    )


def _remarks(spec: FigureSpec, needs: Needs, roots: Sequence[Path]) -> list[str]:
    if not needs.constant:
        return []
    told = ", ".join(needs.constant)
    return [f"{spec.name} is about runs that differ in {told}; these do not{_trained_by(spec, roots)}"]


def _trained_by(spec: FigureSpec, roots: Sequence[Path]) -> str:
    if not spec.experiment:
        return ""
    return f" (icl-train sweep {spec.experiment} --scale laptop --root {roots[0]} trains some)"


def _groups(spec: FigureSpec, roots: Sequence[Path], *, unfinished: bool) -> list[RunGroup]:
    series, _ = collect(*roots, unfinished=unfinished)
    return group_runs(
        [one for one in series if any(spec.measures[0] in evaluation.splits for evaluation in one.evaluations)]
    )
