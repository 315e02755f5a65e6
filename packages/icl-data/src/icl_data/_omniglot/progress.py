"""How far something is: one line redrawn on a terminal, a line per quarter elsewhere."""

from __future__ import annotations

import time
from typing import TextIO

_SECONDS_BETWEEN_DRAWINGS = 0.1
_CELLS = 24


class Progress:
    """Progress of one file.

    Args:
        stream: where to write.
        name: what the lines begin with.
        n_bytes: bytes of the whole.
    """

    def __init__(self, stream: TextIO, name: str, n_bytes: int) -> None:
        self._stream, self._name, self._n_bytes = stream, name, n_bytes
        self._on_terminal = stream.isatty()
        self._begun = self._drawn = time.monotonic()
        self._first: int | None = None
        self._quarter = 0

    def __call__(self, there: int) -> None:
        """Tell that so many bytes are there."""
        if self._on_terminal:
            self._draw(there)
            return
        quarter = 4 * there // self._n_bytes
        if quarter > self._quarter:
            self._quarter = quarter
            print(f"{self._name}: {25 * quarter}% of {self._n_bytes / 1e6:.1f} MB", file=self._stream, flush=True)

    def close(self) -> None:
        """End the line of a terminal, if one was begun."""
        if self._on_terminal and self._first is not None:
            print(file=self._stream, flush=True)

    def _draw(self, there: int) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = there
        elif now - self._drawn < _SECONDS_BETWEEN_DRAWINGS and there < self._n_bytes:
            return
        self._drawn = now
        share = there / self._n_bytes
        bar = "#" * int(share * _CELLS)
        rate = (there - self._first) / max(now - self._begun, 1e-3) / 1e6
        line = f"{self._name} [{bar:<{_CELLS}}] {share:4.0%} of {self._n_bytes / 1e6:.1f} MB, {rate:.1f} MB/s"
        print(f"\r{line:<79}", end="", file=self._stream, flush=True)
