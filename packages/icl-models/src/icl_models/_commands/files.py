"""Files on the command line: where to write is tried before there is work to lose; what then fails is no mistake."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from icl_data.foundation.command_line import CommandFailed
from icl_data.foundation.paths import describe, user_path
from icl_data.foundation.whole_file import whole_file


class _Tried(Exception):
    """The file could be made; it is not wanted yet."""


def path_option(text: str) -> Path:
    """A path, with `~` for the home folder."""
    if not text:  # of an unset variable, mostly; Path would take it for the current folder
        raise argparse.ArgumentTypeError("must not be empty")
    try:
        return user_path(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def try_output(path: Path, *, overwrite: bool) -> None:
    """Make sure that a file can be written; nothing is left.

    Raises:
        ValueError: there is a pipe or a device, which a file must not replace.
        OSError: it is a folder, or there and not to be overwritten, or cannot be made.
    """
    if path.exists() and not path.is_dir() and not path.is_file():
        raise ValueError(f"the output must be a file, got {path}, which is a pipe or a device")
    with suppress(_Tried), whole_file(path, overwrite=overwrite) as beside:
        beside.touch()
        raise _Tried


@contextmanager
def writing() -> Iterator[None]:
    """What the system refuses in here, such as a disk that is full, is a failure: CommandFailed, exit code 1."""
    try:
        yield
    except OSError as error:
        raise CommandFailed(describe(error)) from error
