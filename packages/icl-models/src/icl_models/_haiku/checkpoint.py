"""Read the released code's `checkpoint.dill` without running what is in it."""

from __future__ import annotations

import math
import os
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NUMBERS = re.compile(r"[biufc]\d{1,2}")  # no objects, whose bytes would be taken for addresses in memory


class CheckpointError(ValueError):
    """The file is not a checkpoint of numpy arrays in plain containers."""


class _Unpickler(pickle.Unpickler):
    """Builds numpy arrays and plain containers; every other name in the file is refused before it is looked up."""

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "optax":
            return _Fields
        if (module, name) not in _STAND_INS:
            named = f"{module}.{name}".encode("unicode_escape").decode()
            raise CheckpointError(f"a checkpoint must hold numpy arrays and plain containers only, got {named}")
        return _STAND_INS[module, name]


# What numpy's own pickles name is replaced by the classes below: given a file's arguments, numpy's constructors read
# memory that is not theirs, and a file can alter the functions and dtypes that it names. To hand a class itself to
# its `__setstate__`, which is how that is done, fails for want of an argument.


class _Sealed:
    def __setstate__(self, state: Any) -> None:
        raise CheckpointError(f"a checkpoint must not alter what it names, got a state for {type(self).__name__}")


class _Dtype:
    """A number's type, as numpy pickles it: its code, and in its state the order of its bytes."""

    def __init__(self, code: str, *_: Any) -> None:
        self.code, self.order = code, "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]

    def dtype(self) -> np.dtype[Any]:
        if not _NUMBERS.fullmatch(self.code) or self.order not in ("<", ">", "=", "|"):
            raise CheckpointError(f"arrays in a checkpoint must hold numbers, got dtype {self.order + self.code!r}")
        return np.dtype(self.order + self.code)


class _Array:
    """An array announced by numpy's `_reconstruct`; what is in it comes as its state."""

    def __init__(self, *_: Any) -> None:
        self.value: NDArray[Any] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        shape, dtype, fortran, content = state[-4:]
        self.value = _array(content, dtype, shape, "F" if fortran else "C")


class _Buffer(_Sealed):
    """An array pickled by protocol 5."""

    def __new__(cls, content: bytes, dtype: _Dtype, shape: tuple[int, ...], order: str) -> Any:
        return _array(content, dtype, shape, order)


class _Scalar(_Sealed):
    """A numpy number."""

    def __new__(cls, dtype: _Dtype, content: bytes) -> Any:
        return _array(content, dtype, (), "C")[()]


class _JaxArray(_Sealed):
    """A JAX array, pickled as the parts of a numpy one."""

    def __new__(cls, make: Any, arguments: Any, state: tuple[Any, ...], *_: Any) -> Any:
        array = _Array()
        array.__setstate__(state)
        return array


class _Encoded(_Sealed):
    """Bytes, which old protocols write as text."""

    def __new__(cls, text: str, encoding: str) -> Any:
        return text.encode({"latin1": "latin1"}[encoding])


class _NoBytes(_Sealed):
    """Empty bytes, which old protocols write as a call."""

    def __new__(cls) -> Any:
        return b""


class _Mapping(_Sealed):
    """The immutable dict that `init` and `apply` of Haiku gave until 2022."""

    def __new__(cls, mapping: dict[Any, Any]) -> Any:
        return dict(mapping)


class _Fields(_Sealed):
    """The fields of a named tuple, such as those of which optax makes the state of an optimiser."""

    def __new__(cls, *fields: Any) -> Any:
        return fields


class _NamedTuple(_Sealed):
    """The class of a named tuple, which dill describes by its names in place of naming it."""

    def __new__(cls, *_: Any) -> Any:
        return _Fields


_STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("collections", "OrderedDict"): dict,
    ("_codecs", "encode"): _Encoded,
    ("__builtin__", "bytes"): _NoBytes,
    ("dill._dill", "_create_namedtuple"): _NamedTuple,
    ("haiku._src.data_structures", "FlatMapping"): _Mapping,
    ("haiku._src.data_structures", "frozendict"): _Mapping,  # before FlatMapping
    ("jax._src.array", "_reconstruct_array"): _JaxArray,
    ("jax._src.device_array", "reconstruct_device_array"): _JaxArray,  # before JAX 0.4
}
for _package in ("numpy.core", "numpy._core"):  # before and since numpy 2
    _STAND_INS[f"{_package}.multiarray", "_reconstruct"] = _Array
    _STAND_INS[f"{_package}.multiarray", "scalar"] = _Scalar
    _STAND_INS[f"{_package}.numeric", "_frombuffer"] = _Buffer


def _array(content: bytes, dtype: _Dtype, shape: tuple[int, ...], order: Any) -> NDArray[Any]:
    numbers = np.frombuffer(content, dtype.dtype())
    if len(numbers) != math.prod(shape):
        raise CheckpointError(f"an array of shape {shape} must have {math.prod(shape)} numbers, got {len(numbers)}")
    return numbers.reshape(shape, order=order).copy(order="K")


def _plain(value: Any, seen: dict[int, Any]) -> Any:
    """`value` with arrays in the place of their stand-ins; what the file holds once, the result holds once."""
    if id(value) in seen:
        return seen[id(value)]
    if isinstance(value, dict):
        mapping: dict[Any, Any] = {}
        seen[id(value)] = mapping  # before its content, which may lead back to it
        mapping.update((_plain(key, seen), _plain(content, seen)) for key, content in value.items())
        return mapping
    if isinstance(value, list):
        items: list[Any] = []
        seen[id(value)] = items
        items.extend(_plain(item, seen) for item in value)
        return items
    if isinstance(value, tuple | set | frozenset):
        seen[id(value)] = result = type(value)([_plain(item, seen) for item in value])
        return result
    if isinstance(value, _Dtype):
        return value.dtype()
    if not isinstance(value, _Array):
        return value
    if value.value is None:
        raise CheckpointError("an array in a checkpoint must have content, got none")
    return value.value


def load_checkpoint(path: str | os.PathLike[str]) -> Any:
    """The contents of a pickle (as dill writes it, too): dicts, lists, tuples, numbers, strings and numpy arrays.

    JAX arrays become numpy arrays, ordered dicts and Haiku's immutable ones become dicts, and the named tuples of optax
    become tuples.

    Args:
        path: the file.

    Raises:
        CheckpointError: when the file names anything else, nothing of which is run, or is no pickle at all.
        OSError: when the file cannot be read.
    """
    with Path(path).open("rb") as file:
        try:
            return _plain(_Unpickler(file).load(), {})
        except CheckpointError:
            raise
        except Exception as error:
            # A damaged pickle can fail in any way; none of them is a bug of the reader.
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise CheckpointError(f"{path} must be a pickle, got {reason}") from error
