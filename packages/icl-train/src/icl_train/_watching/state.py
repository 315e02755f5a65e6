"""What a run is, as its folder and whatever trains it on another machine say."""

from __future__ import annotations

import platform
import time

from icl_train._runs.folder import RunFolder, Status
from icl_train._watching.heartbeat import Beat, read_beat
from icl_train._watching.job import read_job

__all__ = ["beats_elsewhere", "state_of"]

# A beat comes each second, and longer ones of no account are those of evaluations. Clocks of two machines may be some
# seconds apart, in either direction.
_FRESH_SECONDS = 60.0


def state_of(run: RunFolder) -> Status:
    """What the run is, for whoever looks from any machine.

    That is what `RunFolder.status` says, but that a run is running as well where its lock is not seen, since another
    machine holds it, and its heartbeat is from there and new; and queued if a job of a cluster that it was made part of
    has yet to go on with it.

    Args:
        run: the run.
    """
    status = run.status()
    if status in ("interrupted", "queued"):
        if beats_elsewhere(read_beat(run.path)):
            return "running"
        note = read_job(run.path)
        if note is not None and note.stage != "running":
            return "queued"
    return status


def beats_elsewhere(beat: Beat | None) -> bool:
    """Whether a sign of life is from another machine, and so new that it lives.

    Args:
        beat: the sign.
    """
    return beat is not None and beat.host != platform.node() and abs(time.time() - beat.time) < _FRESH_SECONDS
