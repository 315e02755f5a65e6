"""``icl-eval report``: one page about all runs, to open in a browser."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from icl_data.foundation.command_line import DONE
from icl_data.foundation.paths import user_path
from icl_data.foundation.printable import printable
from icl_eval._commands.drawn import roots_of
from icl_eval._commands.output import files_together, say, why_not_written, writable_file
from icl_train import RunError
from icl_train.command_line import parse

if TYPE_CHECKING:
    from icl_eval._report.sequences import Drawn

__all__ = ["report"]

PROG = "icl-eval report"
_SECONDS = 30.0
_LEAST_SECONDS, _MOST_SECONDS = 1.0, 86_400.0


@dataclass(frozen=True)
class ReportCommand:
    """One page about all runs, finished or not, to open in a browser: it needs no network and no server."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUNS [RUNS ...]")] = (Path("runs"),)
    """Folders with run folders at any depth, behind links as well."""
    out: Path | None = None
    """The page, FILE.html; default: report.html in the first of the runs' folders. CSV files are written beside it."""
    title: str | None = None
    """Heading of the page; default: the names of the folders."""
    where: tuple[str, ...] = ()
    """Keep runs that have these values alone: setting=value, …"""
    watch: Annotated[tuple[float, ...] | None, tyro.conf.arg(metavar="[SECONDS]")] = None
    """Write it anew every so many seconds (30), whenever something has changed, until Ctrl+C."""


def report(args: Sequence[str]) -> int:
    """Run the command; returns the exit code.

    Args:
        args: what follows ``report``.
    """
    command = parse(ReportCommand, args, prog=PROG)
    roots = roots_of(command.runs, PROG)
    seconds = _seconds(command.watch)
    target = _page(command.out, roots)
    drawn: Drawn = {}
    told: set[str] = set()
    written = b""
    try:
        while True:
            written = _write(roots, target, command, seconds, drawn=drawn, told=told, before=written)
            if seconds is None:
                return DONE
            time.sleep(seconds)
    except KeyboardInterrupt:
        if seconds is None or not written:
            raise
        return DONE


def _write(
    roots: Sequence[Path],
    target: Path,
    command: ReportCommand,
    seconds: float | None,
    *,
    drawn: Drawn,
    told: set[str],
    before: bytes,
) -> bytes:
    """Write the files, unless the page would be what it was before; what the page is."""
    from icl_eval._report.report import report_files  # pandas is imported when there is something to read

    made = report_files(roots, target, title=command.title, where=command.where, drawn=drawn, watched=seconds)
    for line in made.skipped:
        if line not in told:
            told.add(line)
            say(PROG, line)
    if made.digest == before:
        return before
    with files_together(list(made.files)) as places:
        for place, write in zip(places, made.files.values(), strict=True):
            with place.open("wb") as opened:
                write(opened)
    if not before:
        for file in made.files:
            print(printable(file), flush=True)
    return made.digest


def _seconds(given: tuple[float, ...] | None) -> float | None:
    if given is None:
        return None
    if len(given) > 1:
        raise ValueError(f"--watch must be one number of seconds, or none, got {' '.join(map(str, given))}")
    (seconds,) = given or (_SECONDS,)
    if not (math.isfinite(seconds) and _LEAST_SECONDS <= seconds <= _MOST_SECONDS):
        raise ValueError(
            f"--watch must be at least {_LEAST_SECONDS:g} and at most {_MOST_SECONDS:g} s, got {seconds:g}"
        )
    return seconds


def _page(out: Path | None, roots: Sequence[Path]) -> Path:
    """Where the page goes; it and the files beside it can be written."""
    if out is not None:
        return writable_file(out, endings=(".html", ".htm"))
    for root in roots:
        if not root.exists():
            raise RunError(f"{root} must be a folder with runs, but it does not exist")
    folder = next((root for root in roots if root.is_dir()), None)
    if folder is None:
        raise RunError(f"{roots[0]} must be a folder with runs, and is a file")
    target = user_path(folder) / "report.html"
    why = why_not_written(target)
    if why:
        raise ValueError(f"{folder} cannot be written to ({why}); --out FILE.html takes the page")
    return target
