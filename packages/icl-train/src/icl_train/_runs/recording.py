"""What a run records, written down: metrics.jsonl for programs, progress.txt for people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from icl_data.foundation.paths import errors_about
from icl_data.foundation.sealed import GrowingSeal
from icl_data.foundation.whole_file import sync, write_text
from icl_train._intact.checkpoints import CheckpointState
from icl_train._intact.metrics import METRICS, MetricsFile, plain_lines, read_metrics
from icl_train._runs.headlines import Record, progress_line
from icl_train.config import RunConfig

__all__ = ["Recording", "is_due", "lines_until"]

_PROGRESS = "progress.txt"


class Recording:
    """Both files, for who trains the run.

    Args:
        folder: the run's.
    """

    def __init__(self, folder: Path) -> None:
        self._metrics, self._progress = MetricsFile(folder / METRICS), folder / _PROGRESS

    def append(self, records: Sequence[Record]) -> list[Record]:
        """Add records; returns them as metrics.jsonl has them."""
        stored = [_finite(record) for record in records]
        self._metrics.append(stored)
        with errors_about(self._progress), self._progress.open("a", encoding="utf-8") as stream:
            stream.writelines(f"{progress_line(record)}\n" for record in records)
        return stored

    def replace(self, lines: bytes, records: Sequence[Record]) -> None:
        """Put other lines of metrics.jsonl, and the records in them, in the place of what is there."""
        self._metrics.write(lines)
        write_text(self._progress, "".join(f"{progress_line(record)}\n" for record in records))

    def kept(self) -> GrowingSeal:
        """Force metrics.jsonl to the disk; how far it goes."""
        return self._metrics.kept()

    def flush(self) -> GrowingSeal:
        """Force both to the disk, before a checkpoint says that they are there; how far metrics.jsonl goes."""
        with errors_about(self._progress):
            sync(self._progress)
        return self.kept()


def lines_until(folder: Path, step: int | None, state: CheckpointState | None, *, most_bytes: int) -> bytes:
    """The lines of metrics.jsonl as they were when a checkpoint was written; all that are there where nobody knows.

    Args:
        folder: the run's.
        step: of the checkpoint; None for the start, which has no lines.
        state: what it says.
        most_bytes: what the file may have.

    Raises:
        Damaged: if it has lost or changed some of them.
        OSError: what the system says.
    """
    if step is None:
        return b""
    content = read_metrics(folder, most_bytes=most_bytes)
    seal = None if state is None else state.require_metrics(content)
    return plain_lines(content) if seal is None else content[: seal.n_bytes]


def is_due(record: Record, config: RunConfig) -> bool:
    """Whether a run with these settings writes such a record at that step."""
    step, train = record["step"], config.train
    if record["split"] == "train":
        return bool(step % train.log_interval == 0 or step == train.max_steps)
    return step in config.evaluations


def _finite(record: Record) -> Record:
    """JSON has no NaN: such a value is stored as null."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in record.items()
    }
