"""Files that are whole or not there: written beside, synced, then renamed."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from icl_data.foundation.paths import errors_about

# What file systems answer that cannot force a folder (or anything) to the disk: network and FUSE ones, for instance.
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


@contextmanager
def whole_file(path: Path, *, overwrite: bool = True) -> Iterator[Path]:
    """Yields where to write; that file becomes `path` when the block ends, and goes away if it fails.

    The name has the suffix of `path`, by which writers choose their format.

    Args:
        path: the file to be.
        overwrite: whether it may exist.

    Raises:
        OSError: FileExistsError where `path` is and `overwrite` is False; IsADirectoryError where it is a folder;
            FileNotFoundError where its folder is missing; what the system says of writing, about `path` itself.
    """
    beside = _place_beside(path, overwrite=overwrite)
    with errors_about(path, instead_of=beside):
        try:
            yield beside
            sync(beside)
            beside.replace(path)
            sync(path.parent)
        finally:
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
