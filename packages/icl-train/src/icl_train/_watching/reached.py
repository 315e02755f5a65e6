"""How far a run is, for everybody who tells it."""

from __future__ import annotations

from icl_train._runs.folder import RunFolder
from icl_train._watching.heartbeat import Beat, read_beat

__all__ = ["furthest", "step_reached"]


def step_reached(run: RunFolder, recorded: int) -> int:
    """Updates that a run has done, as far as its folder says: the greatest of heartbeat, last record and checkpoint.

    None of them says it alone. The heartbeat of a run that was killed may be a second older than what was written last,
    and is gone from one that ended; records and checkpoints are some updates apart, each in their own distance.

    Args:
        run: the run.
        recorded: the step of its last record, of training or of an evaluation; 0 without any.
    """
    return furthest(run, recorded, read_beat(run.path))


def furthest(run: RunFolder, recorded: int, beat: Beat | None) -> int:
    """The same, of a run whose heartbeat was read.

    Args:
        run, recorded: as of :func:`step_reached`.
        beat: its newest sign of life.
    """
    # A run that goes on from an earlier step takes all that is later away before its first sign of life.
    return max(recorded, max(run.checkpoint_steps(), default=0), 0 if beat is None else beat.step)
