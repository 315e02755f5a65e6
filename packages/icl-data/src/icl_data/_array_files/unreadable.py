"""What is said of array files that are not what their names promise."""

from __future__ import annotations

import errno
import os
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
        return one_line(error) or type(error).__name__
    hint = nearest(path.name, _neighbours(path)) if error.errno == errno.ENOENT else ""
    return describe(OSError(error.errno, os.strerror(error.errno))) + hint


def _neighbours(path: Path) -> list[str]:
    try:
        return [printable(other) for other in os.listdir(path.parent)]
    except OSError:
        return []
