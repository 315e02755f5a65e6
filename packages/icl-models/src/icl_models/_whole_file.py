"""Files that are whole or not there: written beside, synced, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yields where to write; that file becomes `path` when the block ends, and goes away if it fails.

    Raises:
        OSError: FileExistsError where `path` is and `overwrite` is False; IsADirectoryError where it is a folder;
            FileNotFoundError where its folder is missing.
    """
    if path.is_dir():
        raise IsADirectoryError(f"the output must be a file, got the folder {path}")
    if path.exists() and not overwrite:
        raise FileExistsError(f"the output must not exist without overwrite=True (--force), got {path}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the output's folder must exist, got {path.parent}")
    beside = path.with_name(f".{path.name}.writing")
    try:
        yield beside
        _sync(beside)
        beside.replace(path)
        _sync(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
