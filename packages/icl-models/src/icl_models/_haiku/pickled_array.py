"""An array in a pickle: the type of its numbers, its shape and its bytes, each a claim of the file's."""

from __future__ import annotations

import math
import re
import reprlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icl_data.foundation.shown import kind_in_words

_NUMBERS = re.compile(r"[biufc][0-9]{1,2}")  # no objects, whose bytes would be taken for addresses in memory
_MOST_AXES = 64  # NumPy's own limit


class CheckpointError(ValueError):
    """The file is not a checkpoint of numpy arrays in plain containers."""


class Allowance:
    """Bytes that may be made of a file's: no honest one names a buffer twice, and none has more than it is long."""

    def __init__(self, n_bytes: int) -> None:
        self.n_bytes = self._left = n_bytes

    def take(self, n_bytes: int) -> None:
        """CheckpointError where less is left."""
        self._left -= n_bytes
        if self._left < 0:
            raise CheckpointError(
                f"a checkpoint's arrays must be made of its own {self.n_bytes:,} bytes, got more: some are named twice"
            )


class BFloat16:
    """The type of the library ml_dtypes, which need not be there: float32 has all of its numbers."""


BFLOAT16 = BFloat16()


class PickledDtype:
    """A number's type, as NumPy pickles it: its code, and in its state the order of its bytes."""

    def __init__(self, code: Any) -> None:
        self.code, self.order = code, "="

    def set_state(self, state: tuple[Any, ...]) -> None:
        """Take the order of bytes from what NumPy pickles of a dtype."""
        self.order = state[1]

    def dtype(self) -> np.dtype[Any]:
        """NumPy's own, in which an array of this type is read."""
        return np.dtype(np.float32) if self.code is BFLOAT16 else self._stored()

    def numbers(self, content: bytes | memoryview) -> NDArray[Any]:
        """The numbers in these bytes, in one row."""
        if not isinstance(content, bytes | bytearray | memoryview):
            raise CheckpointError(f"an array in a checkpoint must be made of bytes, got {kind_in_words(content)}")
        return np.frombuffer(content, self._stored())

    def readable(self, stored: NDArray[Any]) -> NDArray[Any]:
        """These numbers as others can read them, in memory of their own."""
        if self.code is BFLOAT16:  # which is the upper half of a float32
            return (stored.astype(np.uint32) << np.uint32(16)).view(np.float32)  # NumPy 1 makes 64 bits with an int
        return stored.copy(order="K")

    def _stored(self) -> np.dtype[Any]:
        code = "u2" if self.code is BFLOAT16 else self.code
        known = isinstance(code, str) and _NUMBERS.fullmatch(code) and self.order in ("<", ">", "=", "|")
        if not known:
            got = reprlib.repr(f"{self.order}{code}") if isinstance(code, str) else f"of {kind_in_words(code)}"
            raise CheckpointError(f"arrays in a checkpoint must hold numbers, got dtype {got}")
        return np.dtype(self.order + code)


class PickledArray:
    """An array announced by NumPy's `_reconstruct`; what is in it comes as its state."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._content: NDArray[Any] | None = None

    def set_state(self, state: tuple[Any, ...]) -> None:
        """Take the content from what NumPy pickles of an array."""
        shape, dtype, fortran, content = state[-4:]
        self._content = read_array(content, dtype, shape, "F" if fortran else "C", self._allowance)

    def content(self) -> NDArray[Any]:
        """CheckpointError where there is none."""
        if self._content is None:
            raise CheckpointError("an array in a checkpoint must have content, got none")
        return self._content


def read_array(
    content: bytes | memoryview, dtype: PickledDtype, shape: Any, order: Any, allowance: Allowance
) -> NDArray[Any]:
    """An array of its own memory; CheckpointError where the bytes are not those of the shape."""
    if not (type(shape) is tuple and len(shape) <= _MOST_AXES and all(type(n) is int and n >= 0 for n in shape)):
        raise CheckpointError(f"an array's shape must be a few numbers from 0 on, got {reprlib.repr(shape)}")
    numbers = dtype.numbers(content)
    if numbers.size != math.prod(shape):
        raise CheckpointError(f"an array of shape {shape} must have {math.prod(shape)} numbers, got {numbers.size}")
    allowance.take(numbers.nbytes)
    return dtype.readable(numbers.reshape(shape, order=order))
