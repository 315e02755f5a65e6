"""What a .npy file says of its array, held against what is there."""

from __future__ import annotations

import io
import math
import struct
import warnings
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

_MAGIC = b"\x93NUMPY"
_LENGTHS = {(1, 0): struct.Struct("<H"), (2, 0): struct.Struct("<I")}  # of the header, by the format's version
_MOST_BYTES = 10_000  # of the header; NumPy evaluates no longer one either, since Python's parser may fail on it


@dataclass(frozen=True)
class NpyHeader:
    """Shape and dtype of an array, and whether its columns come first."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    @property
    def n_bytes(self) -> int:
        """Bytes of the array, a Python integer, which cannot overflow."""
        return math.prod(self.shape) * self.dtype.itemsize

    def require(self, there: int) -> None:
        """That the array is not larger than what is there.

        Args:
            there: bytes after the header, at most.

        Raises:
            ValueError: it is.
        """
        if self.n_bytes > there:
            raise ValueError(
                f"its array of shape {self.shape} needs {self.n_bytes:,} bytes, of which the file holds "
                f"{f'at most {there:,}' if there else 'none'}"
            )


def read_header(file: IO[bytes]) -> NpyHeader:
    """Read the header, after which the array begins.

    Raises:
        ValueError: a version or array that is never read, or a header that is damaged.
    """
    version = _version(file)
    content = io.BytesIO(_content(file, _LENGTHS[version]))
    with warnings.catch_warnings():  # a damaged header can warn of many things before it is refused
        warnings.simplefilter("ignore")
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        try:
            header = NpyHeader(*read(content, max_header_size=_MOST_BYTES))
        except Exception as error:  # of many types, and in NumPy's words, which advise to trust the file
            raise ValueError("its header must be shape, order and dtype as NumPy writes them, got another") from error
    if any(type(size) is not int for size in header.shape):
        raise ValueError(f"its array's shape must be whole numbers, got {header.shape}")
    if header.dtype.hasobject:
        raise ValueError("its array holds Python objects, which are never loaded")
    if min(header.shape, default=0) < 0 or header.dtype.itemsize == 0:
        raise ValueError(f"its array must have a size, got shape {header.shape} of {header.dtype}")
    return header


def _version(file: IO[bytes]) -> tuple[int, int]:
    beginning = file.read(len(_MAGIC) + 2)
    if len(beginning) < len(_MAGIC) + 2 or not beginning.startswith(_MAGIC):
        raise ValueError("its array must begin as .npy files do, got another beginning")
    version = (beginning[-2], beginning[-1])
    if version not in _LENGTHS:
        raise ValueError(f"its array has version {version} of the .npy format instead of (1, 0) or (2, 0)")
    return version


def _content(file: IO[bytes], length: struct.Struct) -> bytes:
    """The header with its length before it; never more than it may have."""
    beginning = file.read(length.size)
    n_bytes = length.unpack(beginning)[0] if len(beginning) == length.size else 0
    if n_bytes > _MOST_BYTES:
        raise ValueError(f"its header must have at most {_MOST_BYTES:,} bytes, got {n_bytes:,}")
    content = file.read(n_bytes)
    if len(content) < n_bytes or not n_bytes:
        raise ValueError(f"its header must be whole, got {len(content):,} of {n_bytes:,} bytes")
    return beginning + content
