"""How far a run is, said about once a second while it is trained, for whoever watches from another process."""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import time
import warnings
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from icl_data.foundation.printable import one_line
from icl_data.foundation.regular_file import read_file
from icl_data.foundation.sealed import seal_object, unseal_object
from icl_train._estimate.work import Times

__all__ = ["HEARTBEAT", "Beat", "Heartbeat", "read_beat"]

HEARTBEAT = "heartbeat.json"
_SECONDS_BETWEEN = 1.0
_BEATS_FOR_A_SPEED = 60
_LARGEST = 100_000  # bytes


@dataclass(frozen=True)
class Beat:
    """What heartbeat.json says.

    Attributes:
        step: updates done.
        steps_per_second: over the last minute, evaluations included, but what comes before the first update of the
            process; None where nothing is measured yet.
        pid: number of the process that trains.
        host: its machine.
        time: when this was written, in seconds since 1970.
        times: what the pieces of the run take; None before enough is measured for an estimate.
    """

    step: int
    steps_per_second: float | None
    pid: int
    host: str
    time: float
    times: Times | None = None


class Heartbeat:
    """Writes heartbeat.json within ``with Heartbeat(folder) as heartbeat``; afterwards the file is gone.

    A process that is killed leaves it behind: the step is then where it was killed.
    """

    def __init__(self, folder: Path) -> None:
        self._file, self._beside = folder / HEARTBEAT, folder / f".{HEARTBEAT}.writing"
        self._due, self._taken_over = 0.0, False
        self._first: int | None = None  # updates that were done when the process began
        self._beats: deque[tuple[float, int]] = deque(maxlen=_BEATS_FOR_A_SPEED)

    def __enter__(self) -> Heartbeat:
        self.remove()  # of a process that was killed
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()

    def beat(self, step: int, times: Callable[[], Times | None] = lambda: None) -> None:
        """``step`` is done, and ``times`` says what pieces take; written if the last beat is a second old.

        Raises:
            KeyboardInterrupt: if the heartbeat has become that of another process, which took this one for dead.
        """
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + _SECONDS_BETWEEN
        self._require_ours()
        self._first = step if self._first is None else self._first
        if self._beats and self._beats[-1][1] == self._first < step:
            self._beats.clear()  # of the process's start, with an evaluation and the first update: they are no speed
        self._beats.append((now, step))
        then, first = self._beats[0]
        speed = (step - first) / (now - then) if step > first else None
        beat = Beat(step, speed, os.getpid(), platform.node(), round(time.time(), 3), times())
        # Nothing but a view hangs on this: training does not fail for it. Renamed, so that nobody reads half of it.
        with contextlib.suppress(OSError):
            self._beside.write_text(seal_object(json.dumps(asdict(beat), indent=1) + "\n"), encoding="utf-8")
            self._beside.replace(self._file)

    def remove(self) -> None:
        """Nobody trains any more; on a full disk, that is the room for the reason."""
        if self._taken_over:
            return
        for file in (self._file, self._beside):
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)

    def _require_ours(self) -> None:
        """While the lock is ours, nobody else beats; who does has broken it, after minutes without a sign from here."""
        other = read_beat(self._file.parent)
        if other is not None and (other.pid, other.host) != (os.getpid(), platform.node()):
            self._taken_over = True
            line = f"{self._file.parent}: process {other.pid} on {other.host} has taken the run over; this one ends"
            warnings.warn(one_line(line), RuntimeWarning, stacklevel=3)
            raise KeyboardInterrupt


def read_beat(folder: Path) -> Beat | None:
    """The newest beat of a run; None where there is none, or none that can be read.

    Args:
        folder: the run folder.
    """
    try:
        found = unseal_object(read_file(folder / HEARTBEAT, most_bytes=_LARGEST))
        times = None if found.get("times") is None else Times(**found["times"])
        beat = Beat(**(found | {"times": times}))
        timed = () if times is None else asdict(times).values()
        numbers = (beat.step, beat.pid, beat.time, beat.steps_per_second or 0.0, *timed)
        usable = all(isinstance(number, (int, float)) and math.isfinite(number) and number >= 0 for number in numbers)
        return beat if usable and isinstance(beat.step, int) else None
    except (OSError, ValueError, TypeError, OverflowError, RecursionError):
        return None
