"""What stands for the names in a checkpoint: functions that make NumPy arrays and plain values of a file's arguments.

Given a file's arguments, NumPy's own constructors read memory that is not theirs, and a file can alter the functions
and dtypes that it names. A stand-in cannot be altered, and what it makes is no larger than the file says with reason.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from typing import Any

from icl_data.foundation.shown import kind_in_words
from icl_models._haiku.pickled_array import (
    BFLOAT16,
    Allowance,
    BFloat16,
    CheckpointError,
    PickledArray,
    PickledDtype,
    read_array,
)

ONLY = "a checkpoint must hold numpy arrays and plain containers only, got "
_MOST_ARGUMENTS = 16
_MOST_LEVELS = 100


class StandIn:
    """A name that a checkpoint may call.

    Args:
        make: takes the arguments as one tuple.
    """

    def __init__(self, make: Callable[[tuple[Any, ...]], Any]) -> None:
        self._make = make

    def __call__(self, arguments: tuple[Any, ...]) -> Any:
        """What it makes of these arguments."""
        return self._make(arguments)


FIELDS = StandIn(lambda fields: fields)
"""The fields of a named tuple, such as those of which optax makes the state of an optimiser."""


def stand_ins(n_bytes: int) -> dict[tuple[str, str], StandIn | BFloat16]:
    """Module and name → what stands for it, for one reading of a checkpoint.

    Args:
        n_bytes: length of the checkpoint's file.
    """
    arrays, texts = Allowance(n_bytes), Allowance(n_bytes)
    array = StandIn(lambda arguments: PickledArray(arrays))

    def buffer(content: bytes, dtype: PickledDtype, shape: Any, order: str, axes: Any = None) -> Any:
        """An array pickled by protocol 5; NumPy 2 has its axes apart where their order is neither C's nor Fortran's."""
        if order == "K" and axes is not None:
            return read_array(content, dtype, shape, "C", arrays).transpose(axes)
        return read_array(content, dtype, shape, order, arrays)

    def scalar(dtype: PickledDtype, content: bytes) -> Any:
        """A NumPy number."""
        return read_array(content, dtype, (), "C", arrays)[()]

    def parts(make: Any, arguments: Any, state: Any, *_: Any) -> PickledArray:
        """An array as the parts of a NumPy one: what makes it, of what, and its state."""
        if make is not array:
            what = "another name" if isinstance(make, StandIn) else kind_in_words(make)
            raise CheckpointError(f"an array in a checkpoint must be made by numpy, got {what}")
        made = PickledArray(arrays)
        made.set_state(state)
        return made

    def dill_array(make: Any, arguments: Any, state: Any, attributes: Any = None) -> PickledArray:
        """A NumPy array as dill pickles it; those of NumPy's own class have no attributes."""
        if attributes is not None:
            raise CheckpointError(f"an array in a checkpoint must have no attributes, got {kind_in_words(attributes)}")
        return parts(make, arguments, state)

    def encoded(text: str, encoding: str) -> bytes:
        """Bytes, which old protocols write as text."""
        if encoding != "latin1":
            raise CheckpointError("a checkpoint's bytes must be written as latin1")
        texts.take(len(text))
        return text.encode(encoding)

    named: dict[tuple[str, str], StandIn | BFloat16] = {
        ("numpy", "ndarray"): array,
        ("numpy", "dtype"): _few(lambda code, *_: PickledDtype(code)),
        ("collections", "OrderedDict"): _few(dict),
        ("_codecs", "encode"): _few(encoded),
        ("__builtin__", "bytes"): _NO_BYTES,
        ("dill._dill", "_create_array"): _few(dill_array),
        ("dill._dill", "_create_namedtuple"): StandIn(lambda _: FIELDS),  # described by its names in place of named
        ("dill._dill", "_load_type"): _few(_builtin_type),
        ("haiku._src.data_structures", "FlatMapping"): _MAPPING,
        ("haiku._src.data_structures", "frozendict"): _MAPPING,  # before FlatMapping
        ("jax._src.array", "_reconstruct_array"): _few(parts),
        ("jax._src.device_array", "reconstruct_device_array"): _few(parts),  # before JAX 0.4
        ("jaxline.utils", "SnapshotNT"): FIELDS,
        ("ml_dtypes", "bfloat16"): BFLOAT16,
    }
    for package in ("numpy.core", "numpy._core"):  # before and since NumPy 2
        named[f"{package}.multiarray", "_reconstruct"] = array
        named[f"{package}.multiarray", "scalar"] = _few(scalar)
        named[f"{package}.numeric", "_frombuffer"] = _few(buffer)
    return named


def _few(make: Callable[..., Any]) -> StandIn:
    """A stand-in whose arguments are few, whatever the file says."""

    def make_of(arguments: tuple[Any, ...]) -> Any:
        if len(arguments) > _MOST_ARGUMENTS:
            raise CheckpointError(f"a call in a checkpoint must have at most {_MOST_ARGUMENTS} arguments")
        return make(*arguments)

    return StandIn(make_of)


def _mapping(mapping: Any) -> dict[Any, Any]:
    """The immutable dict that `init` and `apply` of Haiku gave until 2022; no copy, of which a file could make many."""
    if type(mapping) is not dict:
        raise CheckpointError(f"a mapping in a checkpoint must be made of a dict, got {kind_in_words(mapping)}")
    return mapping


_NO_BYTES = _few(lambda: b"")  # empty bytes, which old protocols write as a call
_MAPPING = _few(_mapping)


def _builtin_type(name: Any) -> StandIn:
    """A type that dill names by a word of its own; in old protocols it writes empty bytes with one."""
    if name != "bytes":
        raise CheckpointError(f"{ONLY}dill's type {reprlib.repr(name)}")
    return _NO_BYTES


def plain(value: Any, seen: dict[int, Any], level: int = 0) -> Any:
    """`value` with arrays in the place of their stand-ins; what the file holds once, the result holds once."""
    if id(value) in seen:
        return seen[id(value)]
    if level > _MOST_LEVELS:
        raise CheckpointError(f"a checkpoint's containers must be at most {_MOST_LEVELS} deep in each other, got more")
    if isinstance(value, dict):
        mapping: dict[Any, Any] = {}
        seen[id(value)] = mapping  # before its content, which may lead back to it
        mapping.update((key, plain(content, seen, level + 1)) for key, content in value.items())
        return mapping
    if isinstance(value, list):
        items: list[Any] = []
        seen[id(value)] = items
        items.extend(plain(item, seen, level + 1) for item in value)
        return items
    if isinstance(value, tuple):
        seen[id(value)] = result = tuple([plain(item, seen, level + 1) for item in value])
        return result
    if isinstance(value, memoryview):
        seen[id(value)] = content = bytes(value)
        return content
    if isinstance(value, PickledDtype):
        return value.dtype()
    if isinstance(value, PickledArray):
        return value.content()
    if isinstance(value, StandIn | BFloat16):
        raise CheckpointError(f"{ONLY}a class or function")
    return value
