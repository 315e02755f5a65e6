"""The table of ``icl-train status``, in the width that there is."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from icl_data.foundation.printable import one_line
from icl_train._runs.headlines import headline_of
from icl_train._status.rows import STATES, StatusRow
from icl_train.command_line import plain_console

__all__ = ["scores_of", "show", "status_table", "terminal", "totals"]

LEGEND = """\
ICL: two-way accuracy on new classes (chance 1/2). IWL: accuracy over all labels
without the class in context (chance 1/labels). Intervals: metrics.jsonl"""
_COLUMNS = ("state", "step", "of", "steps/s", "left", "ICL", "IWL")
_DROPPED_FIRST = ("of", "steps/s", "left", "IWL", "step", "ICL")  # after the accuracies of other evaluations
_NAME_WIDTH = 28
_PIPE_WIDTH = 10_000  # each run on one line


def terminal() -> Console:
    """The standard output as a terminal, or as a pipe whose lines may be of any length."""
    return plain_console(_PIPE_WIDTH)


def show(rows: Sequence[StatusRow]) -> None:
    """Print the table, the totals, what it means, and the reasons of runs that failed or are damaged."""
    if not rows:
        return
    console = terminal()
    console.print(status_table(rows, console))
    sys.stdout.flush()
    print(totals(rows))
    print(LEGEND)
    for row in rows:
        if row.reason:
            print(one_line(f"{row.name}: {row.state}: {row.reason}"))


def totals(rows: Sequence[StatusRow]) -> str:
    """How many runs there are of each state."""
    count = Counter(row.state for row in rows)
    states = ", ".join(f"{count[state]} {state}" for state in STATES if count[state])
    return f"{len(rows)} run{'' if len(rows) == 1 else 's'}: {states}"


def scores_of(row: StatusRow) -> dict[str, str]:
    """The accuracies that have a column, as they are shown."""
    return {headline_of(split).short: f"{row.scores[split].accuracy:.3f}" for split in row.told}


def status_table(rows: Sequence[StatusRow], console: Console) -> Table:
    """The runs as a table that fits the console.

    What sets runs apart is always there: in a column of its own if all fits, below the names otherwise. Then columns
    leave, the least needed first, until names have room.
    """
    others = dict.fromkeys(name for row in rows for name in scores_of(row) if name not in _COLUMNS)
    columns = [name for name in (*_COLUMNS, *others) if any(name in _cells(row) for row in rows)]
    table = _table(rows, columns, differences_beside=True)
    if _width(table, console) <= console.width:
        return table
    room = min(_NAME_WIDTH, max(len(line) for row in rows for line in _name_lines(row)))
    for dropped in ("", *reversed(others), *_DROPPED_FIRST):
        columns = [name for name in columns if name != dropped]
        if _width(_table(rows, columns, name_width=room), console) <= console.width:
            break
    return _table(rows, columns)


def _table(
    rows: Sequence[StatusRow],
    columns: Sequence[str],
    *,
    differences_beside: bool = False,
    name_width: int | None = None,
) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("run", overflow="fold", no_wrap=differences_beside, width=name_width)
    for name in columns:
        table.add_column(name, justify="left" if name == "state" else "right", no_wrap=True)
    beside = differences_beside and any(row.differs for row in rows)
    if beside:
        table.add_column("differs in", no_wrap=True)
    for row in rows:
        differs = " ".join(one_line(f"{name}={value}") for name, value in row.differs.items())
        cells = _cells(row)
        table.add_row(
            Text(one_line(row.name) if differences_beside else "\n".join(_name_lines(row))),
            *(cells.get(name, "-") for name in columns),
            *([differs] if beside else []),
        )
    return table


def _name_lines(row: StatusRow) -> list[str]:
    """The name, and below it what sets the run apart."""
    return [one_line(row.name), *("  " + one_line(f"{name}={value}") for name, value in row.differs.items())]


def _cells(row: StatusRow) -> dict[str, str]:
    """Column → what it shows, where there is anything."""
    cells = {"state": row.state, "step": str(row.step), "of": str(row.max_steps), **scores_of(row)}
    if row.steps_per_second is not None:
        cells["steps/s"] = f"{row.steps_per_second:.3g}"
    if row.left:
        cells["left"] = row.left
    return cells


def _width(table: Table, console: Console) -> int:
    return Measurement.get(console, console.options.update(max_width=_PIPE_WIDTH), table).maximum
