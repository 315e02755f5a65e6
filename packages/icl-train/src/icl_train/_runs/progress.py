"""How a run shows its progress: a bar on a terminal, plain lines otherwise."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
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
from rich.table import Column
from rich.text import Text

from icl_data.foundation.printable import printable
from icl_train._runs.headlines import Record, headlines_in, scored, step_line, told_of
from icl_train._runs.lasting import lasting
from icl_train._runs.pace import WORTH_ESTIMATING, Pace, clock_text

__all__ = ["BarReporter", "PlainReporter", "Reporter", "headline_line", "reporter_for", "step_progress"]

_WIDE = 120
_SECONDS_FOR_A_RATE = 2.0
_SECONDS_BETWEEN_LINES = 30.0


class Reporter(Protocol):
    """What the loop tells about."""

    def start(self, name: str, step: int, last: int, batch_size: int, pace: Pace) -> None:
        """The run starts.

        Args:
            name: name of the run.
            step: updates done already.
            last: updates in all.
            batch_size: sequences per update.
            pace: how fast it goes, from now on.
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


class _Telling:
    """What both reporters say: a line for each evaluation, and once how long the run will take."""

    def start(self, name: str, step: int, last: int, batch_size: int, pace: Pace) -> None:
        """See `Reporter.start`."""
        self._last, self._batch_size, self._pace = last, batch_size, pace
        self._loss, self._estimated, self._evaluated = "", False, False

    def advance(self, step: int) -> None:
        """See `Reporter.advance`."""
        if self._estimated or not self._pace.is_known:
            return
        self._estimated = True
        seconds = self._pace.seconds_in_all()
        if seconds is not None and seconds >= WORTH_ESTIMATING:
            self.say(self._pace.estimate())

    def records(self, records: Sequence[Record]) -> None:
        """See `Reporter.records`."""
        for record in records:
            if record["split"] == "train":
                self._loss = f"loss {record['loss']:.3g}" if "loss" in record else ""
        told = headlines_in(records, chance=not self._evaluated)
        if told:
            self._evaluated = True
            self.say(self.line(records[0]["step"], *told))

    def line(self, step: int, *told: str) -> str:
        """How the run stands."""
        return step_line(step, self._last, *told, self._loss, self.rate(), self.left(step))

    def rate(self) -> str:
        """Sequences per second, while training."""
        speed = self._pace.steps_per_second
        return "" if speed is None else f"{speed * self._batch_size:,.0f} seq/s"

    def left(self, step: int) -> str:
        """Time to the end, evaluations included."""
        seconds = self._pace.seconds_from(step) if step < self._last else None
        return "" if seconds is None else f"{clock_text(seconds)} left"

    def say(self, line: str) -> None:
        """Print a line."""
        raise NotImplementedError


class PlainReporter(_Telling):
    """Prints a line for each evaluation, and for training lines in between if nothing was said for half a minute.

    Args:
        stream: where to; None for the standard output.
        clock: seconds.
    """

    def __init__(self, stream: TextIO | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream or sys.stdout, clock

    def start(self, name: str, step: int, last: int, batch_size: int, pace: Pace) -> None:
        """One line: what runs, and from where. See `Reporter.start`."""
        super().start(name, step, last, batch_size, pace)
        self._said = self._clock()
        if step < last:
            self.say(f"{printable(name)}: steps {step + 1} to {last} of {batch_size} sequences")

    def records(self, records: Sequence[Record]) -> None:
        """See `Reporter.records`."""
        super().records(records)
        if records[0]["split"] == "train" and self._clock() - self._said >= _SECONDS_BETWEEN_LINES:
            self.say(self.line(records[0]["step"]))

    def stop(self) -> None:
        """Nothing to close."""

    def say(self, line: str) -> None:
        """Print a line."""
        self._said = self._clock()
        print(line, file=self._stream, flush=True)


class BarReporter(_Telling):
    """A bar with the rate and the time left, and above it a line for each evaluation."""

    def __init__(self, console: Console) -> None:
        self._progress = _progress(console, _FieldColumn("rate"), _FieldColumn("left"))
        self._task: TaskID | None = None

    def start(self, name: str, step: int, last: int, batch_size: int, pace: Pace) -> None:
        """Show the bar."""
        super().start(name, step, last, batch_size, pace)
        self._progress.start()
        self._task = self._progress.add_task(printable(name), total=last, completed=step, rate="", left="")

    def advance(self, step: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._progress.update(self._task, completed=step, rate=self.rate(), left=self.left(step))
        super().advance(step)

    def stop(self) -> None:
        """Leave the bar as it stands."""
        self._progress.stop()

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(line, markup=False, highlight=False)


def headline_line(records: Sequence[Record]) -> str:
    """The headline accuracies of one evaluation with their chance levels; empty for other records."""
    parts = []
    for record in told_of(records):
        headline = scored(record)
        parts.append(f"{headline.short} {record[headline.metric]:.3f} (chance {record['chance']:.2g})")
    return f"step {records[0]['step']}: {', '.join(parts)}" if parts else ""


class _FieldColumn(ProgressColumn):
    """What a task has under a name; the columns of one bar that are not rich's own."""

    def __init__(self, field: str) -> None:
        super().__init__(Column(no_wrap=True, justify="right"))
        self._field = field

    def render(self, task: Task) -> Text:
        return Text(task.fields.get(self._field, ""), style="progress.remaining")


class _RateColumn(ProgressColumn):
    """Steps per second over the last half minute."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if speed is None or (task.elapsed or 0.0) < _SECONDS_FOR_A_RATE:
            return Text("- steps/s", style="progress.data.speed")
        return Text(f"{speed:.3g} steps/s", style="progress.data.speed")


def step_progress(console: Console) -> Progress:
    """A progress display that counts steps, with rate and time left, for several runs."""
    return _progress(console, _RateColumn(), TimeRemainingColumn(compact=True))


def _progress(console: Console, *right: ProgressColumn) -> Progress:
    wide = console.width > _WIDE
    name = Column(no_wrap=True, overflow="ellipsis", ratio=None if wide else 1)
    return Progress(
        TextColumn("{task.description}", markup=False, table_column=name),
        BarColumn(bar_width=40 if wide else 16),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        *right,
        console=console,
        expand=not wide,
    )


def reporter_for(stream: TextIO) -> Reporter:
    """A bar if ``stream`` is a terminal, lines otherwise; a run outlives the terminal."""
    stream = lasting(stream)
    console = Console(file=stream)
    return BarReporter(console) if console.is_terminal else PlainReporter(stream)
