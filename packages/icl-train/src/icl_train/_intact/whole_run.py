"""Whether what a run has recorded is all there and its own, as DONE or its newest checkpoint says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from icl_data.foundation.sealed import Damaged, GrowingSeal, whole_sealed_lines
from icl_train._intact.checkpoints import (
    CHECKPOINTS,
    STATE,
    CheckpointState,
    checkpoint_folder,
    checkpoint_steps,
    read_state,
)
from icl_train._intact.markers import DONE, Done, OlderDone, read_done
from icl_train._intact.metrics import METRICS, plain_lines, read_metrics
from icl_train._intact.objects import OLDER_FORMAT
from icl_train._intact.records import without_torn_evaluation

__all__ = [
    "Settled",
    "damage_of",
    "intact_lines",
    "newest_state",
    "own_state",
    "read_own_done",
    "require_own_done",
    "require_own_end",
]


@dataclass(frozen=True)
class Settled:
    """What config.json says, which the other files of the run are held against.

    Attributes:
        run_format: the run's.
        run: its identity.
        last: its last step.
        most_metrics: bytes that metrics.jsonl may have.
    """

    run_format: int
    run: str
    last: int
    most_metrics: int


def intact_lines(folder: Path, settled: Settled) -> bytes:
    """The lines of metrics.jsonl, all as they were written.

    What a kill or a full disk can leave at its end is left out: half of a line, and an evaluation without some of its
    splits. Who reads a run that is trained may meet it between two writes; the second look then sees it whole.

    Args:
        folder: the run's.
        settled: what its config.json says; there is nothing to hold the lines of format 1 against.

    Raises:
        Damaged: if a line is another than was written or some are missing, or if that cannot be known because DONE or
            the newest checkpoint's state.json is damaged or of another run. The line begins with the file.
        OSError: what the system says.
    """
    try:
        return _lines(folder, settled)
    except Damaged:
        return _lines(folder, settled)


def damage_of(folder: Path, settled: Settled) -> str | None:
    """What is wrong with a run that nobody trains, as far as a short look shows: markers, sizes, the newest state.json.

    Args:
        folder: the run's.
        settled: what its config.json says.

    Returns:
        One line that begins with the file; None if nothing is wrong.

    Raises:
        OSError: what the system says.
    """
    try:
        done, newest = _ends(folder, settled)
    except Damaged as damage:
        return str(damage)
    try:
        size = (folder / METRICS).stat().st_size
    except FileNotFoundError:
        size = 0
    if done is not None:
        expected = size if isinstance(done, OlderDone) else done.metrics.n_bytes
        wrong = size != expected
    else:
        expected = min((seal.n_bytes for seal in newest.metrics), default=0) if newest else 0
        wrong = size < expected
    return f"{METRICS}: {_told(expected, size)}" if wrong else None


def newest_state(folder: Path, settled: Settled) -> CheckpointState | None:
    """What state.json of the newest checkpoint says; None where there is no checkpoint.

    Args:
        folder: the run's.
        settled: what its config.json says; a checkpoint beyond its last step is none of it.

    Raises:
        Damaged: if it is not as it was written, or of another run; the line begins with the file.
        OSError: what the system says.
    """
    steps = [step for step in checkpoint_steps(folder / CHECKPOINTS) if step <= settled.last]
    if not steps:
        return None
    try:
        return own_state(folder / CHECKPOINTS, steps[-1], settled.run)
    except Damaged as damage:
        where = checkpoint_folder(Path(CHECKPOINTS), steps[-1])
        raise Damaged(f"{where / STATE}:{str(damage).removeprefix(STATE).removeprefix(':')}") from None


def own_state(checkpoints: Path, step: int, run: str) -> CheckpointState:
    """What state.json says of the checkpoint of a step, if it is of this run.

    Args:
        checkpoints: the run's folder of checkpoints.
        step: which.
        run: the run's identity.

    Raises:
        Damaged: if it is not as it was written, or of another run; the line names it.
        OSError: what the system says.
    """
    state = read_state(checkpoints, step)
    if state.ties is not None:
        try:
            state.ties.require_run(run)
        except Damaged as damage:
            raise Damaged(f"{STATE}: {damage}") from None
    return state


def require_own_end(folder: Path, settled: Settled) -> None:
    """That DONE, if there is one that can be read, is of this run and its last step.

    Args:
        folder: the run's.
        settled: what its config.json says.

    Raises:
        Damaged: if it is not; the line begins with the file.
        OSError: what the system says.
    """
    try:
        done = read_done(folder, run_format=settled.run_format)
    except Damaged:  # what it says is not asked for
        done = None
    if isinstance(done, Done):
        require_own_done(done, settled)


def read_own_done(folder: Path, settled: Settled) -> Done | OlderDone | None:
    """What DONE says, if it is of this run and its last step; None where there is none.

    Raises:
        Damaged: if it is not as it was written, or of another run; the line begins with the file.
        OSError: what the system says.
    """
    done = read_done(folder, run_format=settled.run_format, run=settled.run)
    if isinstance(done, Done):
        require_own_done(done, settled)
    return done


def require_own_done(done: Done, settled: Settled) -> None:
    """That DONE is of this run, and that the run's last step is the one that it has reached.

    Raises:
        Damaged: if it is not; the line begins with the file.
    """
    try:
        done.ties.require_run(settled.run)
    except Damaged as damage:
        raise Damaged(f"{DONE}: {damage}") from None
    if done.steps != settled.last:
        raise Damaged(f"{DONE}: its steps must be the max_steps of config.json, {settled.last}, got {done.steps}")


def _ends(folder: Path, settled: Settled) -> tuple[Done | OlderDone | None, CheckpointState | None]:
    done = read_own_done(folder, settled)
    return done, newest_state(folder, settled) if done is None else None


def _lines(folder: Path, settled: Settled) -> bytes:
    is_older = settled.run_format == OLDER_FORMAT
    done, newest = (None, None) if is_older else _ends(folder, settled)
    try:
        content = read_metrics(folder, most_bytes=settled.most_metrics)
        if is_older:
            return without_torn_evaluation(plain_lines(content))
        if isinstance(done, Done):
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
