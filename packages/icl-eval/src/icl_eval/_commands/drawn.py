"""What the commands that draw have in common: reading runs, writing the files of a picture, printing its numbers."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from icl_data.foundation.command_line import DONE, FAILED, CommandFailed, nearest
from icl_data.foundation.paths import describe, user_path
from icl_data.foundation.printable import printable
from icl_eval._claims.matching import performed
from icl_eval._commands.output import figure_folder, files_together, say, why_not_written
from icl_eval._loading.tidy import RunsSkipped, load_runs
from icl_eval._picture.picture import Picture
from icl_eval._picture.rows import drawn_rows
from icl_eval._runs import collect
from icl_eval._tables.files import Row, rows_as_json, write_csv
from icl_eval._tables.tables import figure_table, rows_table
from icl_models import find_experiment
from icl_train import RunError
from icl_train.command_line import show_table, shown_width

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["folder_for", "output", "read_runs", "roots_of", "runs_of_experiment"]

PICTURES = (".png", ".pdf", ".svg")


def roots_of(runs: Sequence[Path], prog: str) -> list[Path]:
    """The folders that were given. ValueError where there is none."""
    if not runs:
        raise ValueError(f"RUNS must be one folder or more, got none (see {prog} --help)")
    return [user_path(root) for root in runs]


def folder_for(out: Path | None, roots: Sequence[Path]) -> Path:
    """Where the files go: what ``--out`` names, else the first of the runs' folders."""
    return figure_folder(out) if out else next((root for root in roots if root.is_dir()), roots[0])


def runs_of_experiment(
    roots: Sequence[Path], experiment: str | None, scale: str | None, *, unfinished: bool
) -> list[Path]:
    """The folders of an experiment's runs below ``roots``, known by their settings; the roots themselves without one.

    Args:
        roots: folders with runs of any kind.
        experiment: its name.
        scale: name of its scale; None for the only one of which there are runs.
        unfinished: take runs that have not reached their last step.

    Raises:
        ValueError: for a scale without an experiment, an unknown one, or a choice of several.
        RunError: where there is no run.
    """
    if experiment is None:
        if scale is not None:
            raise ValueError(f"--scale needs --experiment, got {scale} alone")
        return list(roots)
    scales = find_experiment(experiment).scales
    if scale is not None and scale not in scales:
        known = list(scales)
        raise ValueError(
            f"scale of {experiment} must be one of {', '.join(known)}, got {scale!r}{nearest(scale, known)}"
        )
    series, skipped = collect(*roots, unfinished=unfinished)
    for line in skipped:
        print(printable(line), file=sys.stderr)
    done = [one for one in performed(series, [experiment]) if scale in (None, one.scale)]
    if not done:
        usual = scale or ("laptop" if "laptop" in scales else next(iter(scales)))  # as the sweep takes it without one
        raise RunError(
            f"{experiment}{f' at scale {scale}' if scale else ''} must have a finished run, found none below "
            f"{', '.join(map(str, roots))} (icl-train sweep {experiment} --scale {usual})"
        )
    if len(done) > 1:
        there = ", ".join(one.scale for one in done)
        raise ValueError(f"--scale must say which runs of {experiment} are meant, which there are of {there}")
    return [run.path for run in done[0].found.values()]


def read_runs(roots: Sequence[Path], *, unfinished: bool) -> pd.DataFrame:
    """The tidy table of all runs below some folders; a line on stderr for each folder that was passed over."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunsSkipped)  # said line by line below
        table = load_runs(*roots, metrics="all", unfinished=unfinished)
    for line in table.attrs["skipped"]:
        print(printable(line), file=sys.stderr)
    return table


def output(
    picture: Picture,
    folder: Path,
    *,
    prog: str,
    style: str,
    chosen: bool,
    as_json: bool,
    further: Sequence[tuple[str, Callable[[], list[Row]]]] = (),
    remarks: Sequence[str] = (),
) -> int:
    """Write a picture (PNG, PDF, SVG) and its numbers (CSV), print these, and return the exit code.

    Args:
        picture: what is drawn.
        folder: for the files.
        prog: the command, for what it says.
        style: sizes.
        chosen: whether the user has named the folder; then it was tried before.
        as_json: print JSON in the place of tables: the rows of the first of ``further``, else of what is drawn.
        further: ends of names of more CSV files, and what makes their rows.
        remarks: lines below the tables.
    """
    rows = [(".csv", drawn_rows(picture)), *((end, make()) for end, make in further)]
    ends = [*PICTURES, *(end for end, _ in rows)]
    why = None if chosen else why_not_written(folder / f"{picture.name}.png")
    files = [] if why else [folder / f"{picture.name}{end}" for end in ends]
    if why:
        say(prog, f"nothing is drawn: {folder} cannot be written to ({why}); --out FOLDER takes the files")
    else:
        _write(picture, files, [made for _, made in rows], style)
    if as_json:
        print(rows_as_json(rows[min(1, len(rows) - 1)][1]))
        return FAILED if why else DONE
    _print(picture)
    for remark in remarks:
        print(printable(remark), end="\n\n")
    for file in files:
        print(printable(file))
    return FAILED if why else DONE


def _write(picture: Picture, files: Sequence[Path], rows: Sequence[list[Row]], style: str) -> None:
    from icl_eval._drawing.page import draw  # matplotlib is imported when there is something to draw

    try:
        files[0].parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandFailed(describe(error)) from error
    with files_together(files) as places:
        pictures = len(PICTURES)
        draw(picture, places[:pictures], style=style)
        for place, of_file in zip(places[pictures:], rows, strict=True):
            write_csv(place, of_file)


def _print(picture: Picture) -> None:
    if picture.shared:
        print(printable(picture.shared), end="\n\n")
    if picture.table:
        show_table(rows_table(picture.table))
        print()
        if picture.told:
            print("\n".join(wrap(printable(picture.told), shown_width())), end="\n\n")
        return
    for panel in picture.panels:
        for line in (panel.y.label, *panel.title.split("\n")):
            print(printable(line)) if line else None
        show_table(figure_table(panel))
        print()
