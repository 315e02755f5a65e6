"""Files from outside are opened if they are files: a pipe in the place of one would be waited for without end, and a
device may give without end.

Every file that somebody else may have written or put there is read through `open_file` or `read_file`; a library that
opens files itself gets a path that `require_file` has looked at.
"""

from __future__ import annotations

import os
import stat
import sys
from io import BufferedReader

from icl_data.foundation.machine_memory import machine_memory

__all__ = ["NotAFile", "TooLarge", "open_file", "read_file", "require_file"]

# What is put in a file's place between the look and the opening is not waited for either, and never becomes the
# process's terminal. Windows has neither flag.
_WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_PIECE = 1 << 30  # what one call can read on every system
_LARGE = 1 << 28  # bytes, which every machine can hold
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class NotAFile(OSError):
    """What has a file's name is a folder, a pipe, a socket or a device.

    Attributes:
        filename: the path.
        strerror: "must be a file, got a pipe".
    """

    def __str__(self) -> str:
        return f"{os.fsdecode(self.filename)!r} {self.strerror}"


class TooLarge(ValueError):
    """A file has more than one of its kind may have.

    Attributes:
        strerror: "must have at most 100 bytes, got 1,000".
    """

    def __init__(self, path: str | os.PathLike[str], most: int, size: int) -> None:
        self.strerror = f"must have at most {most:,} bytes, got {size:,}"
        super().__init__(f"{os.fspath(path)!r} {self.strerror}")


def require_file(path: str | os.PathLike[str]) -> os.stat_result:
    """What the system says of a file, which may be the target of a link.

    Args:
        path: where it is.

    Raises:
        OSError: NotAFile if it is something else; what the system says where there is nothing.
    """
    status = os.stat(path)
    _refuse_others(path, status)
    return status


def open_file(path: str | os.PathLike[str]) -> BufferedReader:
    """A file, open for reading bytes.

    Args:
        path: where it is.

    Raises:
        OSError: as `require_file`.
    """
    require_file(path)  # first, since opening a device can already do something
    return open(path, "rb", opener=_opener)


def read_file(path: str | os.PathLike[str], *, most_bytes: int | None = None) -> bytes:
    """The content of a file.

    Args:
        path: where it is.
        most_bytes: what a file of its kind may have; more is not read. None: a third of the memory there is, so that a
            file that is mostly holes, which takes no room on a disk, does not take all.

    Raises:
        OSError: as `require_file`.
        TooLarge: if it has more.
    """
    require_file(path)
    descriptor = _opener(os.fspath(path), os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:  # without a file object, which would take as long as reading a small file
        size = os.fstat(descriptor).st_size
        most = _most_in_memory(size) if most_bytes is None else most_bytes
        content = b"" if size > most else _read(descriptor, size, most + 1)
    except OSError as error:
        raise type(error)(error.errno, os.strerror(error.errno or 0), os.fspath(path)) from error
    finally:
        os.close(descriptor)
    if max(size, len(content)) > most:
        raise TooLarge(path, most, max(size, len(content)))
    return content


def _most_in_memory(size: int) -> int:
    """A third of the memory there is, which is looked up for large files alone."""
    memory = machine_memory() if size > _LARGE else None
    return sys.maxsize - 1 if memory is None else memory // 3


def _read(descriptor: int, size: int, most: int) -> bytes:
    """All there is, which may be more or less than the size tells: files of /proc say 0."""
    content = os.read(descriptor, min(size + 1, most, _PIECE))
    if len(content) == size:  # as it nearly always is
        return content
    pieces = [content]
    while content and most > (there := sum(map(len, pieces))):
        content = os.read(descriptor, min(max(size - there, 1 << 16), most - there, _PIECE))
        pieces.append(content)
    return b"".join(pieces)


def _opener(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | _WITHOUT_WAITING)
    try:
        _refuse_others(path, os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _refuse_others(path: str | os.PathLike[str], status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    what = next((name for is_kind, name in _KINDS if is_kind(status.st_mode)), "something else")
    raise NotAFile(None, f"must be a file, got {what}", os.fspath(path))
