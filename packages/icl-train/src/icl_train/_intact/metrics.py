"""metrics.jsonl: a file of sealed lines that grows while a run is trained."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from icl_data.foundation.paths import errors_about
from icl_data.foundation.regular_file import NotAFile, TooLarge, read_file
from icl_data.foundation.sealed import Damaged, GrowingSeal
from icl_data.foundation.whole_file import sync, whole_file
from icl_train._intact.records import Record

__all__ = ["METRICS", "MetricsFile", "plain_lines", "read_metrics", "sealed_lines"]

METRICS = "metrics.jsonl"


class MetricsFile:
    """The file, for who trains the run.

    Args:
        file: where it is, or will be.
    """

    def __init__(self, file: Path) -> None:
        self._file, self._seal = file, GrowingSeal()

    def append(self, records: Sequence[Record]) -> None:
        """Add records. What was in the file before is read if somebody else has written it."""
        with errors_about(self._file), self._file.open("ab") as stream:
            if stream.tell() != self._seal.n_bytes:
                self._seal = GrowingSeal.of(read_file(self._file))
            lines, seal = _sealed(records, self._seal)
            stream.write(lines)
        self._seal = seal

    def write(self, lines: bytes) -> None:
        """Put these lines in the place of what is there."""
        with whole_file(self._file) as beside:
            beside.write_bytes(lines)
        self._seal = GrowingSeal.of(lines)

    def kept(self) -> GrowingSeal:
        """Force the file to the disk; how far it goes."""
        with errors_about(self._file):
            if not self._file.exists():
                return GrowingSeal()
            sync(self._file)
            if self._file.stat().st_size != self._seal.n_bytes:
                self._seal = GrowingSeal.of(read_file(self._file))
        return self._seal


def sealed_lines(records: Sequence[Record]) -> bytes:
    """Records as the lines of a file of their own."""
    return _sealed(records, GrowingSeal())[0]


def _sealed(records: Sequence[Record], seal: GrowingSeal) -> tuple[bytes, GrowingSeal]:
    lines = []
    for record in records:
        line, seal = seal.line(record)
        lines.append(line)
    return b"".join(lines), seal


def read_metrics(folder: Path, *, most_bytes: int) -> bytes:
    """The whole file; nothing where there is none.

    Args:
        folder: the run's.
        most_bytes: what it may have.

    Raises:
        Damaged: if it has more, or there is something else in its place.
        OSError: what the system says.
    """
    try:
        return read_file(folder / METRICS, most_bytes=most_bytes)
    except FileNotFoundError:
        return b""
    except TooLarge as error:
        raise Damaged(f"it {error.strerror}") from None
    except NotAFile as error:
        raise Damaged(f"it {error.strerror}") from None


def plain_lines(content: bytes) -> bytes:
    """The lines of a file of format 1, which has no seals; a half-written last one is left out."""
    end = content.rfind(b"\n") + 1
    if end == len(content):
        return content
    try:
        json.loads(content[end:])
    except (ValueError, RecursionError):
        return content[:end]
    return content + b"\n"
