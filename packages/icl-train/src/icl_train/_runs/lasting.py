"""Output that outlives its terminal."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

__all__ = ["lasting"]


def lasting(stream: TextIO) -> TextIO:
    """``stream``, but that nothing is written any more, and nothing raised, once it is a terminal that was closed.

    A run can then write its last checkpoint after a hangup, or, if it ignores that, train to its end.
    """
    return stream if isinstance(stream, _Lasting) else cast(TextIO, _Lasting(stream))


class _Lasting:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._gone = False

    def write(self, text: str) -> int:
        with self._unless_gone():
            if not self._gone:
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._unless_gone():
            if not self._gone:
                self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextmanager
    def _unless_gone(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self._gone = True
