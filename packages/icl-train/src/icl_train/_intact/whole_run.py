"""Whether what a run has recorded is all there, as DONE or its newest checkpoint says."""

from __future__ import annotations

from pathlib import Path

from icl_data.foundation.sealed import Damaged, GrowingSeal, whole_sealed_lines
from icl_train._intact.checkpoints import STATE, CheckpointState, checkpoint_folder, checkpoint_steps, read_state
from icl_train._intact.markers import DONE, Done, read_done
from icl_train._intact.metrics import METRICS, plain_lines, read_metrics
from icl_train._intact.objects import OLDER_FORMAT
from icl_train._intact.records import without_torn_evaluation

__all__ = ["CHECKPOINTS", "damage_of", "intact_lines", "newest_state"]

CHECKPOINTS = "checkpoints"


def intact_lines(folder: Path, *, run_format: int) -> bytes:
    """The lines of metrics.jsonl, all as they were written.

    What a kill or a full disk can leave at its end is left out: half of a line, and an evaluation without some of its
    splits. Who reads a run that is trained may meet it between two writes; the second look then sees it whole.

    Args:
        folder: the run's.
        run_format: the run's; there is nothing to hold the lines of format 1 against.

    Raises:
        Damaged: if a line is another than was written or some are missing, or if that cannot be known because DONE or
            the newest checkpoint's state.json is damaged. The line begins with the file.
        OSError: what the system says.
    """
    try:
        return _lines(folder, run_format)
    except Damaged:
        return _lines(folder, run_format)


def damage_of(folder: Path, *, run_format: int) -> str | None:
    """What is wrong with a run that nobody trains, as far as a short look shows: markers, sizes, the newest state.json.

    Args:
        folder: the run's.
        run_format: the run's.

    Returns:
        One line that begins with the file; None if nothing is wrong.

    Raises:
        OSError: what the system says.
    """
    try:
        done, newest = _ends(folder, run_format)
    except Damaged as damage:
        return str(damage)
    try:
        size = (folder / METRICS).stat().st_size
    except FileNotFoundError:
        size = 0
    if done is not None:
        expected = size if done.metrics is None else done.metrics.n_bytes
        wrong = size != expected
    else:
        expected = min((seal.n_bytes for seal in newest.metrics), default=0) if newest else 0
        wrong = size < expected
    return f"{METRICS}: {_told(expected, size)}" if wrong else None


def newest_state(folder: Path) -> CheckpointState | None:
    """What state.json of the newest checkpoint says; None where there is no checkpoint.

    Raises:
        Damaged: if it is not as it was written; the line begins with the file.
        OSError: what the system says.
    """
    steps = checkpoint_steps(folder / CHECKPOINTS)
    if not steps:
        return None
    try:
        return read_state(folder / CHECKPOINTS, steps[-1])
    except Damaged as damage:
        where = checkpoint_folder(Path(CHECKPOINTS), steps[-1])
        raise Damaged(f"{where / STATE}:{str(damage).removeprefix(STATE).removeprefix(':')}") from None


def _ends(folder: Path, run_format: int) -> tuple[Done | None, CheckpointState | None]:
    done = read_done(folder, run_format=run_format)
    return done, newest_state(folder) if done is None else None


def _lines(folder: Path, run_format: int) -> bytes:
    done, newest = _ends(folder, run_format) if run_format != OLDER_FORMAT else (None, None)
    try:
        content = read_metrics(folder)
        if run_format == OLDER_FORMAT:
            return without_torn_evaluation(plain_lines(content))
        if done is not None and done.metrics is not None:
            if GrowingSeal.of(content) == done.metrics:
                return content
            whole_sealed_lines(content)  # says which line
            raise Damaged(_told(done.metrics.n_bytes, len(content)) + f" when {DONE} was written")
        lines = whole_sealed_lines(content)
        if newest is not None:
            newest.require_metrics(lines)
        return without_torn_evaluation(lines)
    except Damaged as damage:
        raise Damaged(f"{METRICS}: {damage}") from None


def _told(expected: int, size: int) -> str:
    return f"it must have the {expected:,} bytes that it had, got {size:,}"
