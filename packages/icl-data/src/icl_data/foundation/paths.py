"""Paths as users write them, and what the system says about them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ADVICE = {
    errno.ENOSPC: "free some space, or choose a folder on another disk",
    errno.EDQUOT: "free some of your quota, or choose a folder elsewhere",
    errno.EFBIG: "files may not grow that large here: raise the limit, or choose a folder elsewhere",
    errno.EACCES: "choose a place that you may use, or ask for the right to",
    errno.EPERM: "choose a place that you may use, or ask for the right to",
    errno.EROFS: "choose a folder on a disk that can be written to",
    errno.ENOTDIR: "a part of this path is a file: choose another one",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EIO: "the disk or the network to it has failed: look at what the system's log says, or choose another disk",
    errno.ENFILE: "too many files are open at once on this machine: close some programs",
    errno.EMFILE: "too many files are open at once: raise the limit (ulimit -n)",
    errno.EINVAL: "the file system does not take this name or operation: choose another place",
}

WORLDLY = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE})
"""What a system says where the command was right: full disks and quotas, limits, disks that fail."""


def user_path(path: str | os.PathLike[str]) -> Path:
    """A path as a user gave it, with `~` for the home folder.

    Raises:
        ValueError: there is no home folder of that name.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(f"a path that starts with ~ needs that user's home folder, got {os.fspath(path)}") from error


def require_writable(folder: Path) -> None:
    """Before there is work to lose: something can be made in a folder that is there.

    Args:
        folder: the folder.

    Raises:
        OSError: as the system would say it: a disk that can only be read is no missing right.
    """
    if os.access(folder, os.W_OK | os.X_OK):
        return
    code = errno.EACCES
    with suppress(OSError, AttributeError):  # Windows has no such call
        code = errno.EROFS if os.statvfs(folder).f_flag & os.ST_RDONLY else code
    raise OSError(code, os.strerror(code), os.fspath(folder))


@contextmanager
def errors_about(path: Path, *, instead_of: Path | None = None) -> Iterator[None]:
    """System errors that name no path, or one that the user never gave, come out as errors about `path`.

    Args:
        path: what the user knows.
        instead_of: a temporary file or folder; errors about it, or about what is in it, are errors about `path`. None:
            errors that name no path alone.
    """
    try:
        yield
    except OSError as error:
        named = error.filename
        temporary = instead_of is not None and named is not None and Path(named).is_relative_to(instead_of)
        if error.errno is None or not (named is None or temporary):
            raise
        raise type(error)(error.errno, os.strerror(error.errno), str(path)) from error


def describe(error: OSError) -> str:
    """A system error in one line: what, where if that is known, and what to do about it."""
    if error.errno is None:
        return " ".join(str(error).split())
    advice = f" ({_ADVICE[error.errno]})" if error.errno in _ADVICE else ""
    if error.filename is None:
        return " ".join(str(error.strerror).split()) + advice
    return f"{os.strerror(error.errno)}: {os.fsdecode(error.filename)}{advice}"
