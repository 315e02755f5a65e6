"""Files and folders that are being written, and whether their writer is still alive: it holds a lock on them.

The system lets go of the lock however the writer ends. What nobody holds was left behind by a process that was killed.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# Where there are no locks, age must tell: nothing takes this long to write, and clocks of file servers may be off.
_LEFT_BEHIND_AFTER = 3600.0
# Between being made and being held there is an instant.
_YOUNG = 5.0


@contextmanager
def held_by_writer(path: Path) -> Iterator[None]:
    """Hold the lock on a file or folder that this process has just made, until the block ends.

    Raises:
        OSError: what the system says of opening it.
    """
    descriptor = _opened(path) if fcntl else None
    try:
        if descriptor is not None:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def writer_is_gone(path: Path) -> bool:
    """Whether nobody writes a file or folder that some process has held by `held_by_writer`."""
    try:
        age = time.time() - path.stat().st_mtime
        free = _is_free(path) if fcntl and age > _YOUNG else None
    except OSError:
        return False
    return age > _LEFT_BEHIND_AFTER if free is None else free


def _is_free(path: Path) -> bool | None:
    """Whether nobody holds its lock; None where there are no locks."""
    descriptor = _opened(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return True


def _opened(path: Path) -> int:
    """Network file systems lock what is open for writing alone; folders cannot be."""
    return os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
