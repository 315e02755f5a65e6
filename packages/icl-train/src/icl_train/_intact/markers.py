"""DONE and FAILED: that a run has ended, and how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from icl_data.foundation.printable import one_line
from icl_data.foundation.regular_file import NotAFile, read_file
from icl_data.foundation.sealed import Damaged, GrowingSeal
from icl_train._intact.objects import OLDER_FORMAT, object_in, write_object
from icl_train._intact.seals import seal_from, seal_to_plain
from icl_train._intact.ties import Ties

__all__ = ["DONE", "FAILED", "Done", "OlderDone", "read_done", "read_failed", "write_done", "write_failed"]

DONE, FAILED = "DONE", "FAILED"
_LARGEST = 10_000_000  # bytes; it has some hundred, and a step for each checkpoint
_LONGEST_REASON = 2000


@dataclass(frozen=True)
class Done:
    """What DONE says.

    Attributes:
        steps: updates of the run.
        checkpoints: steps whose checkpoints must be there, ascending.
        metrics: how far metrics.jsonl goes.
        ties: of which run it is.
    """

    steps: int
    checkpoints: tuple[int, ...]
    metrics: GrowingSeal
    ties: Ties


@dataclass(frozen=True)
class OlderDone:
    """DONE of format 1, which says nothing more."""


def write_done(folder: Path, done: Done) -> None:
    """The run has reached its last step, and this is all that it leaves."""
    value = {**done.ties.to_plain(), "steps": done.steps, "checkpoints": done.checkpoints}
    write_object(folder / DONE, {**value, "metrics": seal_to_plain(done.metrics)})


def read_done(folder: Path, *, run_format: int, run: str | None = None) -> Done | OlderDone | None:
    """What DONE says; None where there is none.

    Args:
        folder: the run's.
        run: the run's identity; None takes the marker of any run.
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
            return OlderDone()
        raise Damaged(f"{DONE}: {damage}") from None
    if own_format == OLDER_FORMAT:
        raise Damaged(f"{DONE}: it must be sealed")
    try:
        return _done(value, run)
    except Damaged as damage:
        raise Damaged(f"{DONE}: {damage}") from None


def _done(value: dict[str, Any], run: str | None) -> Done:
    steps, checkpoints = value.get("steps"), value.get("checkpoints")
    ties = Ties.read(value)
    ties.require_run(run)
    if type(steps) is not int or not 0 < steps < 2**63:
        raise Damaged(f"its steps must be the updates of the run, got {one_line(steps)[:60]}")
    if not isinstance(checkpoints, list) or any(
        type(step) is not int or not 0 <= step <= steps for step in checkpoints
    ):
        raise Damaged(f"its checkpoints must be steps up to {steps}, got {one_line(checkpoints)[:60]}")
    return Done(steps, tuple(sorted(set(checkpoints))), seal_from(value.get("metrics")), ties)


def write_failed(folder: Path, reason: str, *, run: str) -> None:
    """The run has stopped for this reason.

    Args:
        folder: the run's.
        reason: why.
        run: the run's identity.
    """
    write_object(folder / FAILED, {"run": run, "reason": one_line(reason)})


def read_failed(folder: Path, *, run_format: int, run: str | None = None) -> str | None:
    """Why a run has stopped by itself, in one line that is safe to print; None where there is no FAILED.

    Args:
        folder: the run's.
        run_format, run: the run's, as for :func:`read_done`.

    Raises:
        Damaged: if it is not as it was written.
        OSError: what the system says.
    """
    content = _content(folder / FAILED)
    if content is None:
        return None
    try:
        value, own_format = object_in(content)
        if own_format != OLDER_FORMAT:
            Ties.read(value).require_run(run)
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
