"""DONE and FAILED: that a run has ended, and how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from icl_data.foundation.printable import one_line
from icl_data.foundation.regular_file import NotAFile, read_file
from icl_data.foundation.sealed import Damaged, GrowingSeal
from icl_train._intact.objects import OLDER_FORMAT, object_in, write_object
from icl_train._intact.seals import seal_from, seal_to_plain

__all__ = ["DONE", "FAILED", "Done", "read_done", "read_failed", "write_done", "write_failed"]

DONE, FAILED = "DONE", "FAILED"
_LARGEST = 100_000  # bytes
_LONGEST_REASON = 2000


@dataclass(frozen=True)
class Done:
    """What DONE says.

    Attributes:
        metrics: how far metrics.jsonl goes; None in format 1.
    """

    metrics: GrowingSeal | None


def write_done(folder: Path, *, steps: int, metrics: GrowingSeal) -> None:
    """The run has reached its last step, and this is all that it has recorded."""
    write_object(folder / DONE, {"steps": steps, "metrics": seal_to_plain(metrics)})


def read_done(folder: Path, *, run_format: int) -> Done | None:
    """What DONE says; None where there is none.

    Args:
        folder: the run's.
        run_format: the run's. In format 1 the marker is plain text, unless a newer version has written it.

    Raises:
        Damaged: if it is not as it was written.
        OSError: what the system says.
    """
    content = _content(folder / DONE)
    if content is None:
        return None
    try:
        value, own_format = object_in(content)
    except Damaged as damage:
        if run_format == OLDER_FORMAT and not content.startswith(b"{"):
            return Done(None)
        raise Damaged(f"{DONE}: {damage}") from None
    if own_format == OLDER_FORMAT:
        raise Damaged(f"{DONE}: it must be sealed")
    try:
        return Done(seal_from(value.get("metrics")))
    except Damaged as damage:
        raise Damaged(f"{DONE}: {damage}") from None


def write_failed(folder: Path, reason: str) -> None:
    """The run has stopped for this reason."""
    write_object(folder / FAILED, {"reason": one_line(reason)})


def read_failed(folder: Path, *, run_format: int) -> str | None:
    """Why a run has stopped by itself, in one line that is safe to print; None where there is no FAILED.

    Args:
        folder: the run's.
        run_format: the run's, as for :func:`read_done`.

    Raises:
        Damaged: if it is not as it was written.
        OSError: what the system says.
    """
    content = _content(folder / FAILED)
    if content is None:
        return None
    try:
        value, _ = object_in(content)
    except Damaged as damage:
        if run_format == OLDER_FORMAT and not content.startswith(b"{"):
            return _told(content.decode(errors="replace"))
        raise Damaged(f"{FAILED}: {damage}") from None
    return _told(value.get("reason", ""))


def _told(reason: object) -> str:
    return one_line(reason)[:_LONGEST_REASON] or "for no reason given"


def _content(file: Path) -> bytes | None:
    try:
        return read_file(file, most_bytes=_LARGEST)
    except FileNotFoundError:
        return None
    except NotAFile as error:
        raise Damaged(f"{file.name}: it {error.strerror}") from None
    except OSError:
        raise
    except ValueError as error:
        raise Damaged(f"{file.name}: {one_line(error)}") from None
