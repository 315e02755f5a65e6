"""``icl-eval figure3a`` and its like: a figure, the files of its numbers, and a table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from icl_data.foundation.command_line import DONE, FAILED, CommandFailed
from icl_data.foundation.paths import describe, user_path
from icl_data.foundation.printable import printable
from icl_eval._commands.output import figure_folder, files_together, say, why_not_written
from icl_eval._figures.curves import FIGURES, FigureSpec
from icl_eval._runs import RunGroup, collect, group_runs
from icl_eval._tables.files import rows_as_json, write_csv
from icl_eval._tables.tables import figure_table, final_rows, timeseries_rows
from icl_train import HEADLINES, RunError
from icl_train.command_line import parse, show_table

__all__ = ["figure"]


@dataclass(frozen=True)
class FigureCommand:
    """Draw the figure (PNG, PDF), write its numbers (CSV) and print the last ones."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUNS [RUNS ...]")] = (Path("runs"),)
    """Folders with run folders at any depth, behind links as well."""
    out: Path | None = None
    """Folder for the files; default: the first of the runs' folders."""
    unfinished: bool = False
    """Take runs that have not reached their last step, too, as far as they are."""
    json: bool = False
    """Print the rows of the metrics file as JSON instead of the table; nothing else goes to stdout."""


def figure(name: str, args: Sequence[str]) -> int:
    """Run the command of one figure; returns the exit code.

    Args:
        name: of the figure.
        args: what follows it.
    """
    spec, prog = FIGURES[name], f"icl-eval {name}"
    command = parse(FigureCommand, args, prog=prog)
    roots = [user_path(root) for root in command.runs]
    if not roots:
        raise ValueError(f"RUNS must be one folder or more, got none (see {prog} --help)")
    out = figure_folder(command.out) if command.out else next((root for root in roots if root.is_dir()), roots[0])
    groups = _groups(spec, roots, unfinished=command.unfinished)
    why = None if command.out else why_not_written(out / f"{name}.png")
    files = [] if why else [out / f"{name}{end}" for end in (".png", ".pdf", "_metrics.csv", "_timeseries.csv")]
    if why:
        say(prog, f"nothing is drawn: {out} cannot be written to ({why}); --out FOLDER takes the files")
    else:
        _write(spec, groups, files)
    if command.json:
        print(rows_as_json(final_rows(spec, groups)))
        return FAILED if why else DONE
    for group in groups:
        print(f"{HEADLINES[spec.split].label}\n{group.title}")
        show_table(figure_table(spec, group))
        print()
    for file in files:
        print(printable(file))
    return FAILED if why else DONE


def _groups(spec: FigureSpec, roots: Sequence[Path], *, unfinished: bool) -> list[RunGroup]:
    series, skipped = collect(*roots, unfinished=unfinished)
    for line in skipped:
        print(printable(line), file=sys.stderr)
    usable = [one for one in series if any(spec.split in evaluation.splits for evaluation in one.evaluations)]
    if not usable:
        raise RunError(
            f"{spec.name} needs at least one finished run with evaluations of {spec.split}, "
            f"found none below {', '.join(map(str, roots))}"
        )
    return group_runs(usable)


def _write(spec: FigureSpec, groups: Sequence[RunGroup], files: Sequence[Path]) -> None:
    from icl_eval._figures.drawing import draw  # matplotlib is imported when there is something to draw

    try:
        files[0].parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandFailed(describe(error)) from error
    with files_together(files) as (*pictures, metrics, timeseries):
        draw(spec, groups, pictures)
        write_csv(metrics, final_rows(spec, groups))
        write_csv(timeseries, timeseries_rows(spec, groups))
