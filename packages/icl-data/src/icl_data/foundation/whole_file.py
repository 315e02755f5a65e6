"""Files that are whole or not there: written beside, synced, then renamed."""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from icl_data.foundation.paths import WORLDLY, errors_about
from icl_data.foundation.writers import held_by_writer, writer_is_gone

# What file systems answer that cannot force a folder (or anything) to the disk: network and FUSE ones, for instance.
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
# How libraries written in Rust tell what the system said.
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
_REFUSALS = WORLDLY | {errno.EROFS, errno.EACCES, errno.EPERM}
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
