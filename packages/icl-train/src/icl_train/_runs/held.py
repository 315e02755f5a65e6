"""Locks of run folders: held, and whether somebody holds one, asked without being taken for one that does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from icl_data.foundation.paths import errors_about

__all__ = ["held", "is_held"]


@contextmanager
def held(file: Path) -> Iterator[bool]:
    """Hold a lock; yields whether it is ours, False where another process holds it.

    Raises:
        OSError: what the system says, about the folder.
    """
    try:
        # Who asks takes a lock for an instant.
        with errors_about(file.parent, instead_of=file):
            lock = FileLock(file, timeout=1.0)
            lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def is_held(file: Path) -> bool:
    """Whether a FileLock on ``file`` is held. What is no file, or cannot be opened, is held by nobody."""
    if not file.is_file():  # a pipe would be waited for
        return False
    held = _shared_is_refused(file)
    return _is_refused(file) if held is None else held


def _shared_is_refused(file: Path) -> bool | None:
    """Asked by a shared lock, which any number can have at once; None where there is nothing of the kind."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(descriptor)  # and with it the lock
    return False


def _is_refused(file: Path) -> bool:
    try:
        with FileLock(file, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # a folder that cannot be written to is not being trained in
        return False
