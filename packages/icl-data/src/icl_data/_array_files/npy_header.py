"""What a .npy file says of its array, held against what is there."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

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
                f"its array of shape {self.shape} needs {self.n_bytes:,} bytes, of which there are at most {there:,}"
            )


def read_header(file: IO[bytes]) -> NpyHeader:
    """Read the header, after which the array begins.

    Raises:
        ValueError: a version or array that is never read. What NumPy raises of a damaged header is of many types.
    """
    version = np.lib.format.read_magic(file)
    with warnings.catch_warnings():  # a damaged header can warn of many things before it is refused
        warnings.simplefilter("ignore")
        if version == (1, 0):
            found = np.lib.format.read_array_header_1_0(file, max_header_size=_MOST_BYTES)
        elif version == (2, 0):
            found = np.lib.format.read_array_header_2_0(file, max_header_size=_MOST_BYTES)
        else:
            raise ValueError(f"its array has version {version} of the .npy format instead of (1, 0) or (2, 0)")
    header = NpyHeader(*found)
    if header.dtype.hasobject:
        raise ValueError("its array holds Python objects, which are never loaded")
    if min(header.shape, default=0) < 0 or header.dtype.itemsize == 0:
        raise ValueError(f"its array must have a size, got shape {header.shape} of {header.dtype}")
    return header
