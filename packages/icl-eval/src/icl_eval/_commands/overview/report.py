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
    """Heading of the page; default: "Runs in" and the names of the folders."""
    about: str | None = None
    """A line below the heading: what these runs are."""
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
    page = _Page(command, roots, _target(command.out, roots), watched=seconds)
    page.write()
    if seconds is None:
        page.name_files()
        return DONE
    try:  # the names are within it: who reads them, and then ends the command, finds it done
        page.name_files()
        while True:
            time.sleep(seconds)
            page.follow()
    except KeyboardInterrupt:
        return DONE


class _Page:
    """The page and the files beside it, as they were written last.

    Args:
        command: what was asked for.
        roots: the folders with runs.
        target: the page.
        watched: seconds until it is written anew; None if it is not.
    """

    def __init__(self, command: ReportCommand, roots: Sequence[Path], target: Path, *, watched: float | None) -> None:
        self._command, self._roots, self._target, self._watched = command, roots, target, watched
        self._drawn: Drawn = {}
        self._told: set[str] = set()
        self._digest = b""
        self._files: tuple[Path, ...] = ()

    def write(self) -> None:
        """Write the files, unless the page would be what it is."""
        from icl_eval._report.report import report_files  # pandas is imported when there is something to read

        asked = self._command
        made = report_files(
            self._roots,
            self._target,
            title=asked.title,
            about=asked.about,
            where=asked.where,
            drawn=self._drawn,
            watched=self._watched,
        )
        for line in (*made.skipped, *made.awaited):
            self._tell(line)
        if made.digest == self._digest and self._target.exists():
            return
        with files_together(list(made.files)) as places:
            for place, write in zip(places, made.files.values(), strict=True):
                with place.open("wb") as opened:
                    write(opened)
        self._digest, self._files = made.digest, tuple(made.files)

    def follow(self) -> None:
        """Write them, or say once why there is nothing to write: runs may be taken away, and come again."""
        try:
            self.write()
        except RunError as error:
            self._tell(str(error))

    def _tell(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            say(PROG, line)

    def name_files(self) -> None:
        """Print where they are."""
        for file in self._files:
            print(printable(file), flush=True)


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


def _target(out: Path | None, roots: Sequence[Path]) -> Path:
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
