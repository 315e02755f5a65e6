"""Files on the command line: where to write is tried before there is work to lose; what then fails is no mistake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from icl_data.foundation.command_line import CommandFailed
from icl_data.foundation.paths import describe
from icl_data.foundation.whole_file import try_file


def try_output(path: Path, *, overwrite: bool) -> None:
    """Make sure that a file can be written; nothing is left.

    Raises:
        ValueError: there is a pipe or a device, which a file must not replace.
        OSError: it is a folder, or there and not to be overwritten, or cannot be made.
    """
    if path.exists() and not path.is_dir() and not path.is_file():
        raise ValueError(f"the output must be a file, got {path}, which is a pipe or a device")
    try_file(path, overwrite=overwrite)


@contextmanager
def writing() -> Iterator[None]:
    """What the system refuses in here, such as a disk that is full, is a failure: CommandFailed, exit code 1."""
    try:
        yield
    except OSError as error:
        raise CommandFailed(describe(error)) from error
