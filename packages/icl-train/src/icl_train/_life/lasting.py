"""A run outlives its terminal."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from icl_train._runs.folder import Record
from icl_train._runs.pace import Pace
from icl_train._runs.progress import Reporter

__all__ = ["LastingReporter", "unless_the_terminal_is_gone"]


@contextmanager
def unless_the_terminal_is_gone() -> Iterator[None]:
    """What is shown on a terminal that was closed (EIO) is lost, and no error."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise


class LastingReporter:
    """Passes on what a run tells, and goes on without its terminal when that is closed.

    Its last checkpoint can then be written, and a run that ignores SIGHUP trains to its end.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def start(self, name: str, step: int, last: int, batch_size: int, pace: Pace) -> None:
        """See `Reporter.start`."""
        with unless_the_terminal_is_gone():
            self._reporter.start(name, step, last, batch_size, pace)

    def advance(self, step: int) -> None:
        """See `Reporter.advance`."""
        with unless_the_terminal_is_gone():
            self._reporter.advance(step)

    def records(self, records: Sequence[Record]) -> None:
        """See `Reporter.records`."""
        with unless_the_terminal_is_gone():
            self._reporter.records(records)

    def stop(self) -> None:
        """See `Reporter.stop`."""
        with unless_the_terminal_is_gone():
            self._reporter.stop()
