"""A run seen from outside, while whatever process trains it: read on from where the last look ended."""

from __future__ import annotations

import json
import operator
import os
from typing import Any

from icl_data.foundation.paths import describe
from icl_data.foundation.printable import one_line
from icl_train._runs.folder import Record, RunFolder
from icl_train._runs.headlines import scored
from icl_train._watching.heartbeat import Beat, read_beat

__all__ = ["RunView", "failure"]

_LONGEST_REASON = 2000


class RunView:
    """What a run has written, and how far it is. A file that cannot be read is :attr:`damage`, never an exception.

    Attributes:
        run: the run.
        beat: its newest sign of life; None unless it is trained, or was killed.
        scores: split → step, accuracy and chance of its newest evaluation.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.beat: Beat | None = None
        self.scores: dict[str, tuple[int, float, float]] = {}
        self._unreadable: str | None = None
        self._saved = 0
        self._forget(0)

    def look(self) -> list[Record]:
        """Read what was written since the last look; returns its records."""
        self.beat, self._unreadable = read_beat(self.run.path), None
        if self.beat is None:
            self._saved = max(self.run.checkpoint_steps(), default=0)
        try:
            text = self._new_lines()
        except FileNotFoundError:  # not started yet; or the folder is gone, which `gone` says
            return []
        except OSError as error:
            self._unreadable = f"cannot read its metrics.jsonl: {describe(error)}"
            return []
        records = []
        for line in text.splitlines():
            self._line += 1
            record = self._record(line)
            if record is not None:
                records.append(record)
        return records

    @property
    def damage(self) -> str | None:
        """What is wrong with its records, in one line; None if nothing is."""
        return self._unreadable or self._bad_line

    @property
    def step(self) -> int:
        """Updates done, as far as is known from outside."""
        return self.beat.step if self.beat else max(self._recorded, self._saved)

    @property
    def steps_per_second(self) -> float | None:
        """Measured over the last minute while it is trained, evaluations included; None where nothing is known."""
        return self.beat.steps_per_second or None if self.beat else None

    @property
    def seconds_left(self) -> float | None:
        """Time to its last step at that speed."""
        speed = self.steps_per_second
        return None if speed is None else max(0, self.run.config.train.max_steps - self.step) / speed

    @property
    def gone(self) -> bool:
        """Whether there is no such run folder any more."""
        return not os.path.lexists(self.run.path / "config.json")

    def _new_lines(self) -> bytes:
        with (self.run.path / "metrics.jsonl").open("rb") as file:
            found = os.fstat(file.fileno())
            if found.st_ino != self._inode or found.st_size < self._position:
                self._forget(found.st_ino)  # a resumed run rewinds its records into a new file
            file.seek(self._position)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._position += len(whole)
        return whole

    def _forget(self, inode: int) -> None:
        self._inode, self._position, self._line, self._recorded = inode, 0, 0, 0
        self._bad_line: str | None = None
        self.scores.clear()

    def _record(self, line: bytes) -> Record | None:
        """The record of a line, taken note of; a line that is none is damage."""
        try:
            record: dict[str, Any] = json.loads(line)
            split, step = record["split"].removeprefix("eval_"), operator.index(record["step"])
            if record["split"] != "train":
                headline = scored(record)
                self.scores[split] = (step, _number(record[headline.metric]), _number(record["chance"]))
            self._recorded = max(self._recorded, step)
            return record
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            if self._bad_line is None:
                what = f"{type(error).__name__}: {error}"
                self._bad_line = one_line(f"cannot read its metrics.jsonl: line {self._line} is no record ({what})")
            return None


def _number(value: object) -> float:
    if not isinstance(value, (int, float)):
        raise TypeError(f"a number was expected, not {value!r}")
    return float(value)


def failure(run: RunFolder) -> str | None:
    """Why a run has stopped by itself, in one line that is safe to print; None if ``FAILED`` is not there."""
    try:
        with (run.path / "FAILED").open("rb") as file:
            return one_line(file.read(_LONGEST_REASON).decode(errors="replace")) or "for no reason given"
    except OSError:
        return None
