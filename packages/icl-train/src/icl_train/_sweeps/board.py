"""How a sweep shows its runs, which train in other processes: bars and a line of totals, or lines in a pipe."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console, Group, OverflowMethod
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from icl_data.foundation.printable import one_line
from icl_train._runs.lasting import lasting
from icl_train._sweeps.cost import clock
from icl_train._watching.view import RunView

__all__ = ["Board"]

_WIDE = 120


class Board:
    """Where a sweep shows its runs. On a terminal that is closed, nothing is shown any more, and nothing breaks."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream = lasting(stream)
        self._totals, self._news = "", ("", False)
        console = Console(file=stream, markup=False, emoji=False, highlight=False)
        self._live: Live | None = None
        if console.is_terminal:
            self._overflow: OverflowMethod = "crop" if console.options.ascii_only else "ellipsis"
            self._bars = _bars(console)
            self._live = Live(self._display(), console=console, auto_refresh=False)

    def __enter__(self) -> Board:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live:
            self._live.update(Text(self._totals, overflow="fold"))
            self._live.stop()

    def say(self, line: str) -> None:
        """Print a line, above the bars if there are any."""
        line = one_line(line)
        if self._live:
            self._live.console.print(line, soft_wrap=True)
        else:
            print(line, file=self._stream, flush=True)

    def totals(self, counts: str, left: float | None, last_failure: str) -> None:
        """Show where the sweep is as a whole: always on a terminal, in a pipe when there is news.

        Args:
            counts: how many runs are done, running, …
            left: seconds to the end, if they are known; that they are is news once.
            last_failure: which run failed last, and why; empty if none has. In a pipe, a line above has said it.
        """
        news = (counts, left is not None)
        changed, self._news = news != self._news, news
        line = counts + (f", {clock(left)} left" if left is not None else "")
        self._totals = one_line(f"{line}; last failure: {last_failure}" if last_failure else line)
        if self._live:
            self._live.update(self._display(), refresh=True)
        elif changed:
            self.say(line)

    def add(self, label: str, view: RunView) -> TaskID | None:
        """A bar for a run, on a terminal."""
        if self._live is None:
            return None
        total = view.run.config.train.max_steps
        return self._bars.add_task(one_line(label), total=total, completed=view.step, rate="", left="")

    def move(self, bar: TaskID | None, view: RunView, *, quiet: bool = False) -> None:
        """Show how far the run is, or that nothing has been heard of it for minutes."""
        if bar is None:
            return
        speed, left = view.steps_per_second, view.seconds_left
        self._bars.update(
            bar,
            completed=view.step,
            rate="no update" if quiet else "- steps/s" if speed is None else f"{speed:.3g} steps/s",
            left="-:--:--" if left is None else clock(left),
        )

    def remove(self, bar: TaskID | None) -> None:
        """The run has ended."""
        if bar is not None:
            self._bars.remove_task(bar)

    def _display(self) -> Group:
        # The totals come first: where there are more bars than lines, it is the last bars that are not seen.
        return Group(Text(self._totals, no_wrap=True, overflow=self._overflow), self._bars)


def _bars(console: Console) -> Progress:
    wide = console.width > _WIDE
    return Progress(
        TextColumn("{task.description}", markup=False, table_column=Column(overflow="fold", ratio=None if wide else 3)),
        BarColumn(bar_width=40 if wide else None, table_column=Column(ratio=None if wide else 2)),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False, style="progress.data.speed"),
        TextColumn("{task.fields[left]}", markup=False, style="progress.remaining"),
        console=console,
        expand=not wide,
    )
