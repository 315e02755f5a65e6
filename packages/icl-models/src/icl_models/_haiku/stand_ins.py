"""What stands for the names in a checkpoint: classes that make NumPy arrays and plain values of a file's arguments.

Given a file's arguments, NumPy's own constructors read memory that is not theirs, and a file can alter the functions
and dtypes that it names. To hand a class itself to its `__setstate__`, which is how that is done, fails for want of an
argument.
"""

from __future__ import annotations

from typing import Any

from icl_models._haiku.pickled_array import BFloat16, CheckpointError, PickledArray, PickledDtype, read_array

ONLY = "a checkpoint must hold numpy arrays and plain containers only, got "


class _Sealed:
    def __setstate__(self, state: Any) -> None:
        raise CheckpointError(f"a checkpoint must not alter what it names, got a state for {type(self).__name__}")


class _Buffer(_Sealed):
    """An array pickled by protocol 5; NumPy 2 has its axes apart where they are neither in C's nor Fortran's order."""

    def __new__(cls, content: bytes, dtype: PickledDtype, shape: Any, order: str, axes: Any = None) -> Any:
        if order == "K" and axes is not None:
            return read_array(content, dtype, shape, "C").transpose(axes)
        return read_array(content, dtype, shape, order)


class _Scalar(_Sealed):
    """A NumPy number."""

    def __new__(cls, dtype: PickledDtype, content: bytes) -> Any:
        return read_array(content, dtype, (), "C")[()]


class _Parts(_Sealed):
    """An array as the parts of a NumPy one: what makes it, of what, and its state."""

    def __new__(cls, make: Any, arguments: Any, state: Any, *_: Any) -> Any:
        if make is not PickledArray:
            raise CheckpointError(f"an array in a checkpoint must be made by numpy, got a {type(make).__name__}")
        array = PickledArray()
        array.__setstate__(state)
        return array


class _DillArray(_Parts):
    """A NumPy array as dill pickles it; those of NumPy's own class have no attributes."""

    def __new__(cls, make: Any, arguments: Any, state: Any, attributes: Any = None) -> Any:
        if attributes is not None:
            raise CheckpointError(
                f"an array in a checkpoint must have no attributes, got a {type(attributes).__name__}"
            )
        return super().__new__(cls, make, arguments, state)


class _Encoded(_Sealed):
    """Bytes, which old protocols write as text."""

    def __new__(cls, text: str, encoding: str) -> Any:
        return text.encode({"latin1": "latin1"}[encoding])


class _NoBytes(_Sealed):
    """Empty bytes, which old protocols write as a call."""

    def __new__(cls) -> Any:
        return b""


class _BuiltinType(_Sealed):
    """A type that dill names by a word of its own; in old protocols it writes empty bytes with one."""

    def __new__(cls, name: Any) -> Any:
        if name != "bytes":
            raise CheckpointError(f"{ONLY}dill's type {name!r}")
        return _NoBytes


class _Mapping(_Sealed):
    """The immutable dict that `init` and `apply` of Haiku gave until 2022."""

    def __new__(cls, mapping: dict[Any, Any]) -> Any:
        return dict(mapping)


class Fields(_Sealed):
    """The fields of a named tuple, such as those of which optax makes the state of an optimiser."""

    def __new__(cls, *fields: Any) -> Any:
        return fields


class _NamedTuple(_Sealed):
    """The class of a named tuple, which dill describes by its names in place of naming it."""

    def __new__(cls, *_: Any) -> Any:
        return Fields


STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): PickledArray,
    ("numpy", "dtype"): PickledDtype,
    ("ml_dtypes", "bfloat16"): BFloat16,
    ("collections", "OrderedDict"): dict,
    ("_codecs", "encode"): _Encoded,
    ("__builtin__", "bytes"): _NoBytes,
    ("dill._dill", "_create_array"): _DillArray,
    ("dill._dill", "_create_namedtuple"): _NamedTuple,
    ("dill._dill", "_load_type"): _BuiltinType,
    ("haiku._src.data_structures", "FlatMapping"): _Mapping,
    ("haiku._src.data_structures", "frozendict"): _Mapping,  # before FlatMapping
    ("jax._src.array", "_reconstruct_array"): _Parts,
    ("jax._src.device_array", "reconstruct_device_array"): _Parts,  # before JAX 0.4
    ("jaxline.utils", "SnapshotNT"): Fields,
}
for _package in ("numpy.core", "numpy._core"):  # before and since NumPy 2
    STAND_INS[f"{_package}.multiarray", "_reconstruct"] = PickledArray
    STAND_INS[f"{_package}.multiarray", "scalar"] = _Scalar
    STAND_INS[f"{_package}.numeric", "_frombuffer"] = _Buffer


def plain(value: Any, seen: dict[int, Any]) -> Any:
    """`value` with arrays in the place of their stand-ins; what the file holds once, the result holds once."""
    if id(value) in seen:
        return seen[id(value)]
    if isinstance(value, dict):
        mapping: dict[Any, Any] = {}
        seen[id(value)] = mapping  # before its content, which may lead back to it
        mapping.update((plain(key, seen), plain(content, seen)) for key, content in value.items())
        return mapping
    if isinstance(value, list):
        items: list[Any] = []
        seen[id(value)] = items
        items.extend(plain(item, seen) for item in value)
        return items
    if isinstance(value, tuple | set | frozenset):
        seen[id(value)] = result = type(value)([plain(item, seen) for item in value])
        return result
    if isinstance(value, PickledDtype):
        return value.dtype()
    if isinstance(value, PickledArray):
        return value.content()
    if isinstance(value, type):
        raise CheckpointError(f"{ONLY}a class")
    return value
