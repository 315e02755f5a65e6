"""Runs watched: a screen that is drawn anew, or into a pipe a line for each change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from icl_data.foundation.command_line import DONE
from icl_data.foundation.printable import one_line
from icl_train._runs.interrupt import StopRequest
from icl_train._status.keys import pressed_keys
from icl_train._status.rows import StatusRow, Survey
from icl_train._status.table import scores_of, show, status_table, terminal, totals

__all__ = ["Face", "StatusFace", "watch_runs"]

_SECONDS_BETWEEN = 1.0
_SECONDS_BETWEEN_FINDS = 5.0  # new runs are looked for less often than known ones are looked at


class Face(Protocol):
    """What somebody who watches runs is shown."""

    def screen(self, rows: Sequence[StatusRow], head: str, console: Console) -> RenderableType:
        """All of a terminal.

        Args:
            rows: the runs as they are.
            head: a line that says when this is, where, and how it ends.
            console: the terminal, with its size.
        """

    def line(self, row: StatusRow) -> str:
        """A run in a pipe, when something has happened to it.

        Args:
            row: the run as it is.
        """

    def last(self, rows: Sequence[StatusRow]) -> None:
        """Print what stays on the terminal.

        Args:
            rows: the runs as they were seen last.
        """


class StatusFace:
    """The table of ``icl-train status``."""

    def screen(self, rows: Sequence[StatusRow], head: str, console: Console) -> RenderableType:
        """The table; if not all of it fits, what is news first."""
        line = Text(head, no_wrap=True, overflow="crop")
        if not rows:
            return line
        table = status_table(rows, console)
        if len(console.render_lines(table)) + 1 > console.height:  # what is cut off should be what is least news
            table = status_table(sorted(rows, key=lambda row: row.rank), console)
        return Group(line, table)

    def line(self, row: StatusRow) -> str:
        """State, step, accuracies, speed and time left."""
        parts = [row.state, f"step {row.step} of {row.max_steps}"]
        parts += [f"{name} {score}" for name, score in scores_of(row).items()]
        if row.steps_per_second is not None and row.left:
            parts += [f"{row.steps_per_second:.3g} steps/s", f"{row.left} left"]
        return one_line(f"{row.name}: {', '.join([*parts, *([row.reason] if row.reason else [])])}")

    def last(self, rows: Sequence[StatusRow]) -> None:
        """The table once more."""
        show(rows)


def watch_runs(survey: Survey, face: Face, *, seconds: float = _SECONDS_BETWEEN) -> int:
    """Show runs until somebody has seen enough: q on a terminal, Ctrl+C, or a signal that ends processes.

    Args:
        survey: the runs.
        face: what is shown of them.
        seconds: between two looks.

    Returns:
        The exit code.
    """
    console = terminal()
    with StopRequest(at_once=False) as stop:
        if console.is_terminal:
            _redraw(survey, face, seconds, console, stop)
        else:
            _print_changes(survey, face, seconds, stop)
    return DONE  # to be ended is what it is there for


def _looks(survey: Survey, seconds: float) -> Iterator[list[StatusRow]]:
    every = max(1, round(_SECONDS_BETWEEN_FINDS / seconds))
    for number in count():
        if number and number % every == 0:
            survey.find()
        yield survey.look()


def _redraw(survey: Survey, face: Face, seconds: float, console: Console, stop: StopRequest) -> None:
    rows: Sequence[StatusRow] = []
    with Live(console=console, screen=True, auto_refresh=False) as live, pressed_keys() as key:
        for rows in _looks(survey, seconds):
            live.update(face.screen(rows, _head(survey, rows), console), refresh=True)
            if _wait(stop, key, seconds):
                break
    face.last(rows)  # what was seen last stays


def _head(survey: Survey, rows: Sequence[StatusRow]) -> str:
    roots = ", ".join(map(str, survey.roots))
    return one_line(f"{totals(rows)}; {time.strftime('%H:%M:%S')}, q ends; {roots}")


def _wait(stop: StopRequest, key: Callable[[float], str], seconds: float) -> bool:
    """Wait until the next look; whether there should be none."""
    until = time.monotonic() + seconds
    while not stop.requested and time.monotonic() < until:
        if key(0.1) in ("q", "Q"):
            return True
    return stop.requested


def _print_changes(survey: Survey, face: Face, seconds: float, stop: StopRequest) -> None:
    told: dict[Path, object] = {}
    for rows in _looks(survey, seconds):
        for row in rows:
            if told.get(row.path) != row.changes:
                told[row.path] = row.changes
                print(face.line(row), flush=True)
        for path in told.keys() - {row.path for row in rows}:
            del told[path]
            print(one_line(f"{path}: cannot be read any more"), flush=True)
        if _wait(stop, _no_key, seconds):
            return


def _no_key(seconds: float) -> str:
    time.sleep(seconds)
    return ""
