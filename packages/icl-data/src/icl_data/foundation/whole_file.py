"""Files that are whole or not there: written beside, synced, then renamed.

What is being written beside is locked by its writer, and the system lets go of the lock however that ends: what nobody
holds was left behind by a process that was killed.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from icl_data.foundation.paths import WORLDLY, errors_about

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# What file systems answer that cannot force a folder (or anything) to the disk: network and FUSE ones, for instance.
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
# How libraries written in Rust tell what the system said.
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
_REFUSALS = WORLDLY | {errno.EROFS, errno.EACCES, errno.EPERM}
# Where there are no locks, age must tell: nothing takes this long to write, and clocks of file servers may be off.
_LEFT_BEHIND_AFTER = 3600.0
# Between being made and being held there is an instant; that a file server's clock is off may make more of it.
_YOUNG = 60.0
_places: set[Path] = set()


@contextmanager
def whole_file(path: Path, *, overwrite: bool = True) -> Iterator[Path]:
    """Yields where to write; that file becomes `path` when the block ends, and goes away if it fails.

    The name has the suffix of `path`, by which writers choose their format. The file is there, empty, with the rights
    that the umask leaves. What killed processes have left of earlier tries is removed.

    Args:
        path: the file to be. One that another `whole_file` of this process has yielded is written as it is: it becomes
            whole with that one.
        overwrite: whether it may exist.

    Raises:
        OSError: FileExistsError where `path` is and `overwrite` is False; IsADirectoryError where it is a folder;
            FileNotFoundError where its folder is missing; what the system says of writing, about `path` itself, also
            where a library has made another error of it.
    """
    if path in _places:
        with _refusals_about(path):
            yield path
        return
    beside = _place_beside(path, overwrite=overwrite)
    _remove_left_behind(path)
    with errors_about(path, instead_of=beside), _written_at(beside):
        with _refusals_about(beside):
            yield beside
        sync(beside)
        beside.replace(path)
        sync(path.parent)


@contextmanager
def _written_at(beside: Path) -> Iterator[None]:
    """An empty file that is this process's own as long as the block takes, and gone afterwards."""
    try:
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        _places.add(beside)
        with held_by_writer(beside):
            yield
    finally:
        _places.discard(beside)
        with suppress(OSError):  # what went wrong before is what is told
            beside.unlink(missing_ok=True)


@contextmanager
def _refusals_about(path: Path) -> Iterator[None]:
    """What the system refuses a library, which may make another error of it, comes out as an error about `path`."""
    with errors_about(path):
        try:
            yield
        except Exception as error:
            code = _refused(error)
            if isinstance(error, OSError) or code is None:
                raise
            raise OSError(code, os.strerror(code), str(path)) from error


def _refused(error: BaseException | None) -> int | None:
    """The number of the system's error that a library has stumbled over, if there is one in what it raises."""
    while error is not None:
        told = _OS_ERROR.search(str(error))
        code = error.errno if isinstance(error, OSError) else int(told[1]) if told else None
        if code in _REFUSALS:
            return code
        error = error.__cause__ or error.__context__
    return None


def _remove_left_behind(path: Path) -> None:
    """Remove what killed processes were writing for the same file."""
    name = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}\.writing{re.escape(path.suffix)}")
    with suppress(OSError):
        for entry in os.scandir(path.parent):
            if name.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                beside = path.with_name(entry.name)
                if writer_is_gone(beside):
                    beside.unlink(missing_ok=True)


def try_file(path: Path, *, overwrite: bool = True) -> None:
    """Make sure that a file can be written, by really making one beside; nothing is left. Rights, mounts and names say
    more than mode bits, and it is said before there is work to lose.

    Args:
        path: the file to be.
        overwrite: whether it may exist.

    Raises:
        OSError: as `whole_file`.
    """
    beside = _place_beside(path, overwrite=overwrite)
    with errors_about(path, instead_of=beside):
        beside.touch()
        beside.unlink()


def _place_beside(path: Path, *, overwrite: bool) -> Path:
    """A name that nobody has, with the suffix of `path`, in its folder."""
    if path.is_dir():
        raise IsADirectoryError(f"the output must be a file, got the folder {path}")
    if path.exists() and not overwrite:
        raise FileExistsError(f"the output must not exist without overwrite=True (--force), got {path}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the output's folder must exist, got {path.parent}")
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.writing{path.suffix}")


def write_text(path: Path, text: str) -> None:
    """Write this text to the file at this path as a whole, in UTF-8."""
    with whole_file(path) as beside:
        beside.write_text(text, encoding="utf-8")


def sync(path: Path) -> None:
    """Force the file or folder at this path to the disk, where its file system can do so.

    Raises:
        OSError: it is not there, or the disk fails.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:
        if path.is_dir():  # Windows opens no folders
            return
        raise
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(descriptor)


@contextmanager
def held_by_writer(path: Path) -> Iterator[None]:
    """Hold the lock on a file or folder that this process has just made, until the block ends.

    Args:
        path: the file or folder.

    Raises:
        OSError: what the system says of opening it.
    """
    descriptor = _opened(path) if fcntl else None
    try:
        if descriptor is not None:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def writer_is_gone(path: Path) -> bool:
    """Whether nobody writes a file or folder that some process has held by `held_by_writer`.

    Args:
        path: the file or folder.
    """
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
