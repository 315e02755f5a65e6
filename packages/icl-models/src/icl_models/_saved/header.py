"""The header of a safetensors file, every claim of which is held against the file before anything is made of it.

Format: https://github.com/huggingface/safetensors#format. Eight bytes are the length of the header, a JSON object that
names the type, shape and place of each tensor; the rest are the tensors' numbers, one after the other.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from icl_data.foundation.printable import one_line
from icl_data.foundation.shown import kind_in_words, shown

LONGEST_HEADER = 16 * 2**20
"""Bytes: some hundred thousand tensors; the format itself allows 100 MB."""

_LENGTH = 8  # bytes before the header that say how long it is
_METADATA = "__metadata__"
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_MOST_AXES = 64


@dataclass(frozen=True)
class Stored:
    """A tensor in a file.

    Attributes:
        dtype: of its numbers, as safetensors calls it: "F32".
        shape: of the tensor.
    """

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Header:
    """What a file says of itself.

    Attributes:
        n_bytes: where the header ends.
        metadata: texts by name.
        tensors: by name.
    """

    n_bytes: int
    metadata: Mapping[str, str]
    tensors: Mapping[str, Stored]


def read_header(content: bytes) -> Header:
    """The header of a whole file.

    Args:
        content: all bytes of the file.

    Raises:
        ValueError: for a header that is none, or tensors that are not exactly what follows it.
    """
    length = int.from_bytes(content[:_LENGTH], "little")
    end = _LENGTH + length
    if end > min(len(content), _LENGTH + LONGEST_HEADER):
        most = min(max(len(content) - _LENGTH, 0), LONGEST_HEADER)
        raise ValueError(f"its header must have at most {most:,} bytes, got {length:,}")
    try:
        header = json.loads(content[_LENGTH:end], object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its header must be JSON: {one_line(str(error)[:200])}") from error
    if not isinstance(header, dict):
        raise ValueError(f"its header must be a JSON object, got {kind_in_words(header)}")
    metadata = header.pop(_METADATA, {})
    if not (isinstance(metadata, dict) and all(isinstance(text, str) for text in metadata.values())):
        raise ValueError(f"{_METADATA} in its header must be texts by name")
    places = {name: _place(name, entry) for name, entry in header.items()}
    next_start = 0
    for name, (_, start, stop) in sorted(places.items(), key=lambda item: item[1][1:]):
        if start != next_start:
            raise ValueError(f"its tensors must lie one behind the other, got {shown(name)} at byte {start:,}")
        next_start = stop
    if next_start != len(content) - end:
        raise ValueError(f"its tensors must have {len(content) - end:,} bytes, as the file has, got {next_start:,}")
    return Header(end, metadata, {name: stored for name, (stored, _, _) in places.items()})


def write_header(content: bytes, metadata: Mapping[str, str]) -> tuple[bytes, memoryview]:
    """A file with these metadata in its header, in two parts: up to the header's end, and the tensors.

    The library orders metadata by chance, and the same model is to give the same bytes.

    Args:
        content: a file without metadata, as the library writes it.
        metadata: texts by name.

    Raises:
        ValueError: for a header that would be too long to be read.
    """
    end = _LENGTH + int.from_bytes(content[:_LENGTH], "little")
    entries = {_METADATA: dict(metadata), **json.loads(content[_LENGTH:end])}
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % _LENGTH)  # so that tensors begin at a multiple of their numbers' size
    if len(header) > LONGEST_HEADER:
        raise ValueError(
            f"a saved model must have a header of at most {LONGEST_HEADER:,} bytes, got {len(header):,} "
            f"for {len(entries) - 1:,} tensors"
        )
    return len(header).to_bytes(_LENGTH, "little") + header, memoryview(content)[end:]


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("it must name everything once")
    return found


def _place(name: str, entry: Any) -> tuple[Stored, int, int]:
    """A tensor, and where it starts and stops."""
    if not (isinstance(entry, dict) and entry.keys() == {"dtype", "shape", "data_offsets"}):
        raise ValueError(f"{shown(name)} in its header must have dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not (isinstance(dtype, str) and dtype in _BYTES):
        raise ValueError(f"{shown(name)} must have a dtype among {', '.join(_BYTES)}, got {shown(dtype)}")
    if not (_are_sizes(shape) and len(shape) <= _MOST_AXES):
        raise ValueError(f"{shown(name)} must have a shape of numbers from 0 on, got {shown(shape)}")
    if not (_are_sizes(offsets) and len(offsets) == 2):
        raise ValueError(f"{shown(name)} must have two data_offsets, got {shown(offsets)}")
    start, stop = offsets
    if stop - start != math.prod(shape) * _BYTES[dtype]:
        raise ValueError(f"{shown(name)} must have the bytes of {dtype} {shown(shape)}, got {stop - start:,}")
    return Stored(dtype, tuple(shape)), start, stop


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(size) is int and 0 <= size < 2**63 for size in value)
