"""Zips whose list of entries is not larger than it may be."""

from __future__ import annotations

import zipfile
from typing import IO

MOST_OF_A_LIST = 1 << 22
"""Bytes of an array file's list of entries, of which one has 50 or more."""


class _ShortReads:
    """A file of which no piece is read that is longer than it may be.

    `zipfile` reads the list of entries as one piece, as long as the file says, and makes of 46 bytes an object of some
    500; of the entries themselves it reads no more at once than it is asked for.
    """

    def __init__(self, file: IO[bytes], most_bytes: int) -> None:
        self._file, self._most_bytes = file, most_bytes
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > self._most_bytes:
            raise ValueError(f"the zip's list of entries must have at most {self._most_bytes:,} bytes, got {size:,}")
        return self._file.read(self._most_bytes if size < 0 else size)


def open_zip(file: IO[bytes], *, most_bytes: int = MOST_OF_A_LIST) -> zipfile.ZipFile:
    """A zip, open for reading.

    Args:
        file: the zip; whoever opened it closes it.
        most_bytes: of the list of its entries, and of what is read of it at once.

    Raises:
        ValueError: the list is longer. What `zipfile` raises of damaged ones.
    """
    return zipfile.ZipFile(_ShortReads(file, most_bytes))
