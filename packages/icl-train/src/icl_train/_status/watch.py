"""``icl-train status --watch``: the table anew each second, or a line for each change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from icl_data.foundation.command_line import DONE
from icl_data.foundation.printable import one_line
from icl_train._runs.interrupt import StopRequest
from icl_train._status.keys import pressed_keys
from icl_train._status.rows import Row, Survey
from icl_train._status.table import STATES, scores_of, show, status_table, terminal, totals
from icl_train._sweeps.cost import clock

__all__ = ["watch"]

_SECONDS_BETWEEN = 1.0
_LOOKS_BETWEEN_FINDS = 5  # new runs are looked for less often than known ones are looked at


def watch(survey: Survey) -> int:
    """Show runs until somebody has seen enough; the exit code."""
    console = terminal()
    with StopRequest(at_once=False) as stop:
        if console.is_terminal:
            _redraw(survey, console, stop)
        else:
            _print_changes(survey, stop)
    return DONE


def _looks(survey: Survey) -> Iterator[list[Row]]:
    for number in count():
        if number and number % _LOOKS_BETWEEN_FINDS == 0:
            survey.find()
        yield survey.look()


def _redraw(survey: Survey, console: Console, stop: StopRequest) -> None:
    rows: Sequence[Row] = []
    with Live(console=console, screen=True, auto_refresh=False) as live, pressed_keys() as key:
        for rows in _looks(survey):
            live.update(_screen(survey.root, rows, console), refresh=True)
            if _wait(stop, key):
                break
    show(rows)  # what was seen last stays


def _wait(stop: StopRequest, key: Callable[[float], str]) -> bool:
    """Wait until the next look; whether there should be none."""
    until = time.monotonic() + _SECONDS_BETWEEN
    while not stop.requested and time.monotonic() < until:
        if key(0.1) in ("q", "Q"):
            return True
    return stop.requested


def _screen(root: Path, rows: Sequence[Row], console: Console) -> Group:
    head = one_line(f"{totals(rows)}; {time.strftime('%H:%M:%S')}, q ends; {root}")
    if not rows:
        return Group(Text(head))
    table = status_table(rows, console)
    if len(console.render_lines(table)) + 1 > console.height:  # what is cut off should be what is least news
        table = status_table(sorted(rows, key=lambda row: STATES.index(row.state)), console)
    return Group(Text(head, no_wrap=True, overflow="crop"), table)


def _print_changes(survey: Survey, stop: StopRequest) -> None:
    told: dict[Path, object] = {}
    for rows in _looks(survey):
        for row in rows:
            if told.get(row.path) != row.changes:
                told[row.path] = row.changes
                print(_line(row), flush=True)
        for path in told.keys() - {row.path for row in rows}:
            del told[path]
            print(one_line(f"{path}: cannot be read any more"), flush=True)
        if _wait(stop, _no_key):
            return


def _line(row: Row) -> str:
    parts = [row.state, f"step {row.step} of {row.max_steps}"]
    parts += [f"{name} {score}" for name, score in scores_of(row).items()]
    if row.steps_per_second is not None and row.seconds_left is not None:
        parts += [f"{row.steps_per_second:.3g} steps/s", f"{clock(row.seconds_left)} left"]
    return one_line(f"{row.name}: {', '.join([*parts, *([row.reason] if row.reason else [])])}")


def _no_key(seconds: float) -> str:
    time.sleep(seconds)
    return ""
