"""How runs that are trained together show their progress: lines, each with its run's name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TextIO

from icl_data.foundation.printable import printable
from icl_train._runs.folder import RunFolder
from icl_train._runs.lasting import lasting
from icl_train._runs.pace import Pace
from icl_train._runs.progress import PlainReporter, Reporter, reporter_for

__all__ = ["reporter_of_each"]


class _Named(PlainReporter):
    """As `PlainReporter`, with the run's name before each line."""

    _name = ""

    def start(self, name: str, step: int, last: int, batch_size: int, pace: Pace) -> None:
        super().start(name, step, last, batch_size, pace)
        self._name = f"{printable(name)}: "

    def say(self, line: str) -> None:
        super().say(self._name + line)


def reporter_of_each(runs: Sequence[RunFolder], stream: TextIO) -> Callable[[RunFolder], Reporter]:
    """Whom to tell of each run.

    Args:
        runs: those that are trained.
        stream: where to.

    Returns:
        Of one run alone what `reporter_for` gives, of several one that names its run.
    """
    if len(runs) == 1:
        return lambda run: reporter_for(stream)
    stream = lasting(stream)
    return lambda run: _Named(stream)
