"""``icl-eval table``: runs as a table, for pandas, a spreadsheet or a page."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from icl_data.foundation.command_line import DONE, nearest
from icl_data.foundation.paths import user_path
from icl_data.foundation.printable import printable
from icl_eval._commands.output import files_together, writable_file
from icl_train import RunError
from icl_train.command_line import parse, show_table, shown_width

if TYPE_CHECKING:
    import pandas as pd

    from icl_eval._loading.assembled import Loaded

__all__ = ["table"]

PROG = "icl-eval table"
_FORMATS = ("csv", "parquet", "md", "json")


@dataclass(frozen=True)
class TableCommand:
    """Runs as a tidy table, a row for each value of a metric, or as a wide one, a row for each run."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUNS [RUNS ...]")] = (Path("runs"),)
    """Folders with run folders at any depth, behind links as well."""
    wide: bool = False
    """A row for each run: its settings, and the last value and the peak of each accuracy."""
    format: Literal["csv", "parquet", "md", "json", "text"] | None = None
    """csv, parquet, md, json, or text for reading; default: by the name of --out; text on a terminal, csv in a pipe."""
    out: Path | None = None
    """File for the table; default: standard output."""
    split: tuple[str, ...] = ()
    """What was measured: train, fewshot_holdout, no_support_zipfian, …; default: all."""
    metric: tuple[str, ...] = ()
    """Metrics, or all; default: the accuracy that each split is measured by, and losses."""
    settings: tuple[str, ...] = ("all",)
    """Settings that have columns: all, varying (those in which the runs differ), or dotted names."""
    onsets: tuple[str, ...] | None = None
    """Fit when curves leave their plateaus: a row for each run and measure, or columns beside those of --wide. Measures
    as of icl-eval plot (icl, loss, split/metric); without a name icl and loss."""
    unfinished: bool = False
    """Take runs that have not reached their last step, too, as far as they are."""


def table(args: Sequence[str]) -> int:
    """Run the command; returns the exit code.

    Args:
        args: what follows ``table``.
    """
    command = parse(TableCommand, args, prog=PROG)
    roots = [user_path(root) for root in command.runs]
    if not roots:
        raise ValueError(f"RUNS must be one folder or more, got none (see {PROG} --help)")
    out = writable_file(command.out) if command.out else None
    kind = _format(command, out)
    loaded = _load(roots, command)
    if kind == "text":
        _show(loaded, command)
        return DONE
    frame = _frame(loaded, command)
    from icl_eval._tables.frames import FRAME_WRITERS

    if out is None:
        FRAME_WRITERS[kind](frame, sys.stdout.buffer)
        return DONE
    with files_together([out]) as (place,), place.open("wb") as file:
        FRAME_WRITERS[kind](frame, file)
    print(printable(out))
    return DONE


def _format(command: TableCommand, out: Path | None) -> str:
    if out is None:
        kind = command.format or ("text" if sys.stdout.isatty() else "csv")
        if kind == "parquet" and sys.stdout.isatty():
            raise ValueError("--format parquet is not text: give --out FILE.parquet, or send it into a pipe")
        return kind
    if command.format == "text":
        raise ValueError(f"--format text is for reading: --out takes {', '.join(_FORMATS)}")
    ending = out.suffix.lower().removeprefix(".")
    if ending not in _FORMATS and command.format is None:
        raise ValueError(
            f"--out must end in {', '.join(f'.{name}' for name in _FORMATS)} (or give --format), got {out}"
            f"{nearest(ending, _FORMATS)}"
        )
    if ending in _FORMATS and command.format not in (None, ending):
        raise ValueError(f"--out must end in .{command.format} as --format has it, got {out}")
    return command.format or ending


def _load(roots: Sequence[Path], command: TableCommand) -> Loaded:
    from icl_eval._loading.assembled import load  # pandas is imported when there is something to read

    one_word = ("all", "varying")
    named = command.settings
    metrics: str | Sequence[str] | None = "all" if command.metric == ("all",) else command.metric or None
    if command.onsets is not None:
        if command.split or command.metric:
            raise ValueError("--onsets NAME [NAME ...] says which curves are fitted: leave out --split and --metric")
        from icl_eval._tables.onsets import metrics_for

        metrics = metrics_for(command.onsets)
    loaded = load(
        roots,
        splits=command.split or None,
        metrics=metrics,
        settings=named[0] if len(named) == 1 and named[0] in one_word else named,
        unfinished=command.unfinished,
    )
    for line in loaded.skipped:
        print(printable(line), file=sys.stderr)
    if not loaded.folders:
        raise RunError(
            f"table needs at least one finished run with evaluations, found none below {', '.join(map(str, roots))}"
        )
    return loaded


def _frame(loaded: Loaded, command: TableCommand) -> pd.DataFrame:
    from icl_eval._loading.tidy import tidy
    from icl_eval._loading.wide import wide

    frame = wide(loaded) if command.wide else None
    if command.onsets is None:
        return tidy(loaded) if frame is None else frame
    from icl_eval._tables.onsets import DEFAULT_MEASURES, beside, onsets_in

    found = onsets_in(loaded, command.onsets or DEFAULT_MEASURES)
    return found if frame is None else beside(frame, found)


def _show(loaded: Loaded, command: TableCommand) -> None:
    from icl_eval._loading.settings import varying
    from icl_eval._tables.summary import shown_onsets, shown_tidy, shown_wide

    settings = varying(loaded.runs.drop(columns=["run", "status"]))
    frame = _frame(loaded, command)
    show = shown_wide if command.wide else shown_tidy if command.onsets is None else shown_onsets
    shown = show(frame, settings, shown_width())
    show_table(shown.table)
    constant = len(loaded.runs.columns) - 2 - len(settings)
    left = [shown.left_out] if shown.left_out else []
    left += [f"{constant} settings that are the same in all runs"] if constant else []
    if left:
        line = f"left out: {'; '.join(left)} (--out FILE.csv takes all)"
        print(textwrap.fill(printable(line), shown_width(), break_on_hyphens=False))
