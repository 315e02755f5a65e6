"""A run seen from outside, while whatever process trains it: read on from where the last look ended."""

from __future__ import annotations

import os

from icl_data.foundation.paths import describe
from icl_data.foundation.printable import one_line
from icl_data.foundation.regular_file import NotAFile, TooLarge, open_file
from icl_data.foundation.sealed import Damaged, GrowingSeal
from icl_train._estimate.work import Times, Work
from icl_train._intact.markers import read_failed
from icl_train._intact.metrics import METRICS
from icl_train._intact.objects import OLDER_FORMAT
from icl_train._intact.records import EVALUATED, record_of
from icl_train._runs.folder import Record, RunFolder
from icl_train._runs.headlines import scored
from icl_train._watching.heartbeat import Beat, read_beat
from icl_train._watching.reached import furthest

__all__ = ["RunView", "why_failed"]

_LARGEST = 1e300


class RunView:
    """What a run has written, and how far it is. A file that cannot be read is :attr:`damage`, never an exception.

    Attributes:
        run: the run.
        beat: its newest sign of life; None unless it is trained, or was killed.
        step: updates done, as far as is known from outside.
        scores: split → step, accuracy and chance of its newest evaluation.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.beat: Beat | None = None
        self.step = 0
        self.scores: dict[str, tuple[int, float, float]] = {}
        self._unreadable: str | None = None
        self._bad_line: str | None = None
        self._most = run.settled.most_metrics
        self._seal, self._evaluation = GrowingSeal(), _Evaluation()
        self._forget(0)

    def look(self) -> list[Record]:
        """Read what was written since the last look; returns its records."""
        self.beat, self._unreadable = read_beat(self.run.path), None
        records = self._new_records()
        self.step = furthest(self.run, self._recorded, self.beat)
        return records

    def _new_records(self) -> list[Record]:
        try:
            text = self._new_lines()
        except FileNotFoundError:  # not started yet; or the folder is gone, which `gone` says
            return []
        except (NotAFile, TooLarge) as error:
            self._unreadable = f"cannot read its {METRICS}: it {error.strerror}"
            return []
        except OSError as error:
            self._unreadable = f"cannot read its {METRICS}: {describe(error)}"
            return []
        self._check_seal(text)
        records = []
        for line in text.split(b"\n")[:-1]:
            self._line += 1
            record = self._record(line)
            if record is not None:
                records.append(record)
        return records

    def _check_seal(self, lines: bytes) -> None:
        if self.run.run_format == OLDER_FORMAT or self._bad_line is not None:
            return
        try:
            self._seal = self._seal.after(lines, first=self._line + 1)
        except Damaged as damage:
            self._bad_line = f"cannot read its {METRICS}: {damage}"

    @property
    def damage(self) -> str | None:
        """What is wrong with its records, in one line; None if nothing is."""
        return self._unreadable or self._bad_line

    @property
    def steps_per_second(self) -> float | None:
        """Measured over the last minute while it is trained, evaluations included; None where nothing is known."""
        return self.beat.steps_per_second or None if self.beat else None

    @property
    def times(self) -> Times | None:
        """What its pieces take, as the process says that trains it; None where nothing is known."""
        return self.beat.times if self.beat else None

    @property
    def seconds_left(self) -> float | None:
        """Time to its end, with the evaluations and checkpoints that are left; None before its pieces were timed."""
        return None if self.times is None else self.times.of(Work.left_of(self.run.config, self.step))

    @property
    def gone(self) -> bool:
        """Whether there is no such run folder any more."""
        return not os.path.lexists(self.run.path / "config.json")

    def _new_lines(self) -> bytes:
        with open_file(self.run.path / METRICS) as file:
            found = os.fstat(file.fileno())
            if found.st_ino != self._inode or found.st_size < self._position:
                self._forget(found.st_ino)  # a resumed run rewinds its records into a new file
            if found.st_size > self._most:
                raise TooLarge(METRICS, self._most, found.st_size)
            file.seek(self._position)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._position += len(whole)
        return whole

    def _forget(self, inode: int) -> None:
        self._inode, self._position, self._line, self._recorded = inode, 0, 0, 0
        self._seal, self._evaluation = GrowingSeal(), _Evaluation()
        self._bad_line = None
        self.scores.clear()

    def _record(self, line: bytes) -> Record | None:
        """The record of a line, taken note of; a line that is none is damage."""
        try:
            record = record_of(line)
            if record["split"] != "train":
                headline = scored(record)
                score = (record["step"], _number(record, headline.metric), _number(record, "chance"))
                self._evaluation.add(record["split"].removeprefix(EVALUATED), score, self.scores)
            self._recorded = max(self._recorded, record["step"])
            return record
        except Damaged as damage:
            if self._bad_line is None:
                self._bad_line = one_line(f"cannot read its {METRICS}: line {self._line} {damage}")
            return None


class _Evaluation:
    """The newest evaluation while its lines come in: it counts when it has every split of the one before."""

    def __init__(self) -> None:
        self._scores: dict[str, tuple[int, float, float]] = {}
        self._expected: frozenset[str] = frozenset()

    def add(self, split: str, score: tuple[int, float, float], whole: dict[str, tuple[int, float, float]]) -> None:
        """Take note of a line; ``whole`` takes the scores of an evaluation that is."""
        if any(step != score[0] for step, _, _ in self._scores.values()):
            self._expected, self._scores = frozenset(self._scores), {}
        self._scores[split] = score
        if self._expected <= self._scores.keys():
            whole.update(self._scores)


def _number(record: Record, name: str) -> float:
    value = record.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > _LARGEST:
        raise Damaged(f"must have a number as its {name}, got {str(value)[:60]}")
    return float(value)


def why_failed(run: RunFolder) -> str | None:
    """Why a run has stopped by itself, in one line that is safe to print; None if ``FAILED`` is not there."""
    try:
        return read_failed(run.path, run_format=run.run_format, run=run.identity)
    except Damaged as damage:
        return f"for a reason that cannot be read: {damage}"
    except OSError:
        return None
