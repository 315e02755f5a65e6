"""Where the commands write: places are tried before there is work to lose, and what fails in writing is no mistake."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from icl_data.foundation.command_line import CommandFailed
from icl_data.foundation.paths import WORLDLY, describe, errors_about, user_path
from icl_data.foundation.printable import printable
from icl_data.foundation.whole_file import sync, try_file, whole_file
from icl_eval._tables.files import TABLE_WRITERS

__all__ = ["figure_folder", "files_together", "say", "table_file", "why_not_written", "writable_file"]

_FILES = (".png", ".pdf", ".svg", *TABLE_WRITERS)


def why_not_written(file: Path, *, asked_for: bool = False) -> str | None:
    """What keeps the system from writing ``file``, or None; mounts, rights and names say more than mode bits.

    Raises:
        OSError: somebody asked for that place, and it is no mistake to have done so: the disk is full, for instance.
    """
    try:
        try_file(file)
    except OSError as error:
        if asked_for and error.errno in WORLDLY:
            raise
        return error.strerror or str(error)
    return None


def table_file(given: Path) -> Path:
    """The file for a table that ``--out`` gives.

    Raises:
        ValueError: it is of no format that is known, or cannot be written.
    """
    return writable_file(given, endings=tuple(TABLE_WRITERS))


def writable_file(given: Path, *, endings: Sequence[str] = ()) -> Path:
    """The file that ``--out`` gives.

    Args:
        given: as the user wrote it.
        endings: what its name may end in; empty for anything.

    Raises:
        ValueError: its name ends in something else, or it cannot be written.
    """
    path = user_path(given)
    if path.is_dir():
        raise ValueError(f"--out must be a file, got the folder {path}")
    if not path.parent.is_dir():
        raise ValueError(f"--out must be a file in a folder that exists, got {path}")
    if endings and path.suffix.lower() not in endings:
        raise ValueError(f"--out must end in {' or '.join(endings)}, got {path}")
    why = why_not_written(path, asked_for=True)
    if why:
        raise ValueError(f"--out must be a file that can be written, got {path} ({why})")
    return path


def figure_folder(given: Path) -> Path:
    """The folder for a figure's files that ``--out`` gives; it is not made yet.

    Raises:
        ValueError: it is a file, has a file's name, or cannot be written to.
    """
    path = user_path(given)
    if path.suffix.lower() in _FILES and not path.is_dir():
        raise ValueError(f"--out must be the folder of the figure's files, got {path}, which is named like a file")
    there = next(folder for folder in (path, *path.absolute().parents) if os.path.lexists(folder))
    why = why_not_written(there / "figure", asked_for=True) if there.is_dir() else "Not a directory"
    if why:
        raise ValueError(f"--out must be a folder, or one that can be made, got {path} ({why})")
    return path


@contextmanager
def files_together(files: Sequence[Path]) -> Iterator[list[Path]]:
    """Yields where to write each of ``files``; they appear when all are whole, and none of them if one fails.

    Raises:
        CommandFailed: the system refuses something, such as a disk that is full.
    """
    try:
        with ExitStack() as stack:
            places = [stack.enter_context(whole_file(file)) for file in files]
            yield places
            for place in places:  # a disk that is full, or fails, says so here at the latest, before one appears
                with errors_about(place):
                    sync(place)
    except OSError as error:
        raise CommandFailed(describe(error)) from error


def say(prog: str, line: str) -> None:
    """A line on stderr, from the command."""
    print(f"{prog}: {printable(line)}", file=sys.stderr)
