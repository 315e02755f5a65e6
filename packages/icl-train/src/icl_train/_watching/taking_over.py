"""Going on with a run whose process, or machine, may have died: waiting for its lock, and breaking one that stays."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from pathlib import Path

from icl_train._runs.folder import RunError, RunFolder
from icl_train._runs.held import is_held
from icl_train._watching.heartbeat import HEARTBEAT, Beat, read_beat
from icl_train._watching.state import beats_elsewhere

__all__ = ["take_over"]

_LOCK = ".lock"
_POLL_SECONDS = 0.2
# Of a process that was asked to end and writes its last checkpoint; one that gives more goes on.
_SIGNS_OF_AN_END = 60


def take_over(run: RunFolder, *, patience: float) -> None:
    """Return when nobody trains the run any more: its lock is free, or was broken.

    File systems that machines share may keep the lock of one that is gone. Nothing is taken from clocks, which differ
    from machine to machine, nor from times of files, which may be whole seconds: whoever trains writes a heartbeat each
    second, and one that stays the same for as long as ``patience`` is that of the dead. A lock that a process of this
    very machine holds is never broken: the system would have let go of it.

    Args:
        run: the run.
        patience: seconds without a sign of life, evaluations included, after which a lock on another machine is broken.

    Raises:
        RunError: if another process goes on training it.
    """
    watched, seen, beats, since = None, _signs(run.path), 0, time.monotonic()
    while True:
        beat = read_beat(run.path)
        held = is_held(run.path / _LOCK)
        if not held and not beats_elsewhere(beat):
            return None
        lock, signs = _inode(run.path / _LOCK), _signs(run.path)
        if signs != seen or lock != watched:
            beats += signs != seen
            watched, seen, since = lock, signs, time.monotonic()
        if beats > _SIGNS_OF_AN_END:
            raise RunError(f"one process at a time may train a run, got {run.path}, which {_who(beat)} is training")
        if time.monotonic() - since > patience:
            if beat is None or beat.host == platform.node():
                raise RunError(
                    f"cannot train {run.path}: {_who(beat)} holds its lock and has given no sign of life for "
                    f"{patience:g} s; if its machine is gone, remove {run.path / _LOCK}"
                )
            return _break(run.path / _LOCK, watched)
        time.sleep(_POLL_SECONDS)


def _signs(folder: Path) -> object:
    """What changes while somebody trains: the heartbeat's content and the sizes of what is written."""
    beat = read_beat(folder)
    return None if beat is None else (beat.host, beat.pid, beat.time, beat.step), _size(folder / "metrics.jsonl")


def _size(file: Path) -> int | None:
    try:
        return os.stat(file).st_size
    except OSError:
        return None


def _inode(file: Path) -> int | None:
    try:
        return os.stat(file).st_ino
    except OSError:
        return None


def _who(beat: Beat | None) -> str:
    return "another process" if beat is None else f"process {beat.pid} on {beat.host}"


def _break(lock: Path, inode: int | None) -> None:
    """Set the lock of the dead aside, unless somebody else has done so: theirs is another file."""
    aside = lock.with_name(f"{lock.name}.{platform.node()}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        lock.rename(aside)
        if _inode(aside) != inode:
            with contextlib.suppress(FileExistsError):
                os.link(aside, lock)
        aside.unlink()
    (lock.parent / HEARTBEAT).unlink(missing_ok=True)
