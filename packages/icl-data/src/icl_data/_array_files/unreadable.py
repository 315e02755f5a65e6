"""What is said of array files that are not what their names promise."""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

from icl_data.foundation.command_line import listed, nearest
from icl_data.foundation.paths import describe
from icl_data.foundation.printable import one_line, printable
from icl_data.foundation.regular_file import NotAFile

_MOST_KEYS = 20


class UnreadableArray(ValueError):
    """One line that names the file, what is wrong, and the file beside it that may have been meant.

    Args:
        path: the file.
        error: what came up.
    """

    def __init__(self, path: Path, error: Exception) -> None:
        super().__init__(f"cannot read an array from {str(path)!r}: {_reason(path, error)}")


def in_words(error: Exception) -> str:
    """What an error says, in one line; those of some libraries speak of themselves, or say nothing."""
    if isinstance(error, (zlib.error, struct.error, EOFError, IndexError)):
        return "what is packed in it is damaged or cut off"
    return one_line(error) or "it is damaged"


def key_refused(keys: Sequence[str], key: str | None) -> ValueError:
    """That no array of a file is meant.

    Args:
        keys: names of its arrays.
        key: the name that was given; None where none was.
    """
    if not keys:
        return ValueError("it must hold an array, got none")
    return ValueError(f"key must be one of {named_keys(keys)}, got {'none' if key is None else repr(key)}")


def named_keys(keys: Sequence[str]) -> str:
    """The names of the arrays in a file, not more than fit into a message."""
    more = f" and {len(keys) - _MOST_KEYS} more" if len(keys) > _MOST_KEYS else ""
    return printable(listed(keys[:_MOST_KEYS])) + more


def _reason(path: Path, error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "it does not fit into memory"
    if isinstance(error, NotAFile):
        return f"it {error.strerror}"
    if not isinstance(error, OSError) or error.errno is None:
        return in_words(error)
    hint = nearest(path.name, _neighbours(path)) if error.errno == errno.ENOENT else ""
    return describe(OSError(error.errno, os.strerror(error.errno))) + hint


def _neighbours(path: Path) -> list[str]:
    try:
        return [printable(other) for other in os.listdir(path.parent)]
    except OSError:
        return []
