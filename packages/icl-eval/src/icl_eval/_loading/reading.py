"""The records of many runs, read in batches by several threads: memory holds the values, and little of the files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from icl_eval._loading.choosing import Read
from icl_eval._loading.columns import Columns, columns_of, in_order, sound
from icl_eval._loading.parsing import frame_of_lines, frame_of_records
from icl_eval._loading.records import UNREADABLE, checked_records, why_unreadable
from icl_eval._loading.rows import AllRows, Rows, rows_of
from icl_eval._loading.wanted import Wanted
from icl_train import RunError, RunFolder

__all__ = ["RunReader"]

_BATCH_BYTES = 4 * 2**20


@dataclass
class RunReader:
    """Reads the values of runs, as `take_runs` has it; of each run, the content is its number.

    Attributes:
        wanted: what is asked for.
        rows: what was read, run after run, under these numbers.
        count: of the runs that were read, those of which nothing is taken among them.
    """

    wanted: Wanted
    rows: AllRows = field(default_factory=AllRows)
    count: int = 0

    def __call__(self, runs: Sequence[RunFolder]) -> Iterator[Read[int] | str]:
        """Read these runs.

        Args:
            runs: the runs; numbers count in them.
        """
        import polars as pl

        self.count = len(runs)
        with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
            for batch, results in pool.map(lambda numbers: self._batch(numbers, runs), _batches(runs)):
                for rows in batch:
                    self.rows.add(rows)
                yield from results

    def _batch(self, numbers: Sequence[int], runs: Sequence[RunFolder]) -> tuple[list[Rows], list[Read[int] | str]]:
        read = self._at_once(numbers, runs)
        if read is not None:
            return [read[0]], read[1]
        if len(numbers) > 1:  # one of them is not as the others are
            apart = [self._batch([number], runs) for number in numbers]
            return [rows for batch, _ in apart for rows in batch], [
                result for _, results in apart for result in results
            ]
        return self._one_by_one(numbers[0], runs[numbers[0]])

    def _at_once(self, numbers: Sequence[int], runs: Sequence[RunFolder]) -> tuple[Rows, list[Read[int] | str]] | None:
        """All in one go; None if there is anything that has to be looked at one by one."""
        try:
            lines = [runs[number].lines() for number in numbers]
        except (RunError, OSError):
            return None
        counts = [content.count(b"\n") for content in lines]
        frame = frame_of_lines(b"".join(lines), self.wanted)
        if frame is None or frame.height != sum(counts):  # Polars passes over empty lines
            return None
        records = columns_of(frame)
        of_run = np.repeat(np.array(numbers, dtype=np.int32), counts)
        if records is None or not sound(records) or not in_order(records, of_run):
            return None
        ends = np.cumsum(counts)
        results: list[Read[int] | str] = [
            Read(_last_step(records, slice(end - count, end)), number)
            for number, count, end in zip(numbers, counts, ends, strict=True)
        ]
        return rows_of(records, of_run, self.wanted), results

    def _one_by_one(self, number: int, run: RunFolder) -> tuple[list[Rows], list[Read[int] | str]]:
        try:
            records = columns_of(frame_of_records(checked_records(run), self.wanted))
        except UNREADABLE as error:
            return [], [why_unreadable(error)]
        if records is None:
            return [], [Read(None, number)]
        of_run = np.full(len(records.step), number, dtype=np.int32)
        return [rows_of(records, of_run, self.wanted)], [Read(_last_step(records, slice(None)), number)]


def _last_step(records: Columns, part: slice) -> int | None:
    steps = records.step[part][records.evaluated[part]]
    return int(steps[-1]) if len(steps) else None


def _batches(runs: Sequence[RunFolder]) -> list[list[int]]:
    """Numbers of runs whose files have some megabytes together."""
    batches: list[list[int]] = [[]]
    size = 0
    for number, run in enumerate(runs):
        try:
            own = (run.path / "metrics.jsonl").stat().st_size
        except OSError:  # which is said when it is read
            own = 0
        if batches[-1] and size + own > _BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(number)
        size += own
    return [batch for batch in batches if batch]
