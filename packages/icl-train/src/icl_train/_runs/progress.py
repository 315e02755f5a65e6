"""How a run shows its progress: a bar on a terminal, plain lines otherwise."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from icl_train._runs.folder import Record, progress_line
from icl_train._runs.headlines import HEADLINES
from icl_train._runs.lasting import lasting

__all__ = ["BarReporter", "PlainReporter", "Reporter", "headline_line", "reporter_for", "step_progress"]


class Reporter(Protocol):
    """What the loop tells about."""

    def start(self, name: str, step: int, last: int, batch_size: int) -> None:
        """The run starts.

        Args:
            name: name of the run.
            step: updates done already.
            last: updates in all.
            batch_size: sequences per update.
        """

    def advance(self, step: int) -> None:
        """``step`` is done."""

    def records(self, records: Sequence[Record]) -> None:
        """Lines went to metrics.jsonl.

        Args:
            records: lines of one moment.
        """

    def stop(self) -> None:
        """The run has ended, one way or the other."""


class PlainReporter:
    """Prints the lines of progress.txt as they are, to ``stream`` (by default the standard output)."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    def start(self, name: str, step: int, last: int, batch_size: int) -> None:
        """One line: what runs, and from where. See `Reporter.start`."""
        if step < last:
            print(f"{name}: steps {step + 1} to {last} of {batch_size} sequences", file=self._stream, flush=True)

    def advance(self, step: int) -> None:
        """Nothing: the lines tell. See `Reporter.advance`."""

    def records(self, records: Sequence[Record]) -> None:
        """Print them. See `Reporter.records`."""
        for record in records:
            print(progress_line(record), file=self._stream, flush=True)

    def stop(self) -> None:
        """Nothing to close."""


class BarReporter:
    """A bar with the rate and the time left, and above it a line for each evaluation."""

    def __init__(self, console: Console) -> None:
        self._progress = step_progress(console)
        self._task: TaskID | None = None

    def start(self, name: str, step: int, last: int, batch_size: int) -> None:
        """Show the bar."""
        self._progress.start()
        self._task = self._progress.add_task(name, total=last, completed=step)

    def advance(self, step: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._progress.update(self._task, completed=step)

    def records(self, records: Sequence[Record]) -> None:
        """Print evaluations above the bar; the training lines are in progress.txt."""
        line = headline_line(records)
        if line:
            self._progress.console.print(line, markup=False, highlight=False)

    def stop(self) -> None:
        """Leave the bar as it stands."""
        self._progress.stop()


def headline_line(records: Sequence[Record]) -> str:
    """The headline accuracies of one evaluation with their chance levels; empty for other records."""
    parts = []
    for record in records:
        headline = HEADLINES.get(record["split"].removeprefix("eval_"))
        if headline and headline.short in ("ICL", "IWL"):
            parts.append(f"{headline.short} {record[headline.metric]:.3f} (chance {record['chance']:.2g})")
    return f"step {records[0]['step']}: {', '.join(parts)}" if parts else ""


_SECONDS_FOR_A_RATE = 2.0
_WIDE = 120


class _RateColumn(ProgressColumn):
    """Steps per second over the last half minute."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if speed is None or (task.elapsed or 0.0) < _SECONDS_FOR_A_RATE:
            return Text("- steps/s", style="progress.data.speed")
        return Text(f"{speed:.3g} steps/s", style="progress.data.speed")


def step_progress(console: Console) -> Progress:
    """A progress display that counts steps, with rate and time left, for one run or several."""
    wide = console.width > _WIDE
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=40 if wide else None),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeRemainingColumn(compact=True),
        console=console,
        expand=not wide,
    )


def reporter_for(stream: TextIO) -> Reporter:
    """A bar if ``stream`` is a terminal, lines otherwise; a run outlives the terminal."""
    stream = lasting(stream)
    console = Console(file=stream)
    return BarReporter(console) if console.is_terminal else PlainReporter(stream)
