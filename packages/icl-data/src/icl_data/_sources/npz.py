"""Arrays of .npz and .npy files, mapped into memory where the format allows."""

from __future__ import annotations

import math
import struct
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from icl_data._sources.unreadable import UnreadableArray, check_is_file, named_keys

_NPY = b"\x93NUMPY"
_MOST_EXPANSION = 1100  # deflate makes at most 1,032 bytes of one


def open_npz(path: Path, key: str | None) -> npt.NDArray[Any]:
    """An array of a .npz or .npy file: a read-only `numpy.memmap`, or an array in memory if it is compressed.

    Raises:
        ValueError: the file cannot be read, or holds no such array.
    """
    try:
        check_is_file(path)
        with path.open("rb") as file:
            beginning = file.read(len(_NPY))
        if beginning == _NPY:
            if key is not None:
                raise ValueError(f"key must be None for a .npy file, which has one array without a name, got {key!r}")
            return _map(path, 0)
        if not beginning.startswith(b"PK"):
            raise ValueError("it is neither a .npz nor a .npy file")
        return _open_member(path, key)
    except Exception as error:  # a damaged file can fail in any way, in NumPy's reader of headers with a TokenError
        raise UnreadableArray(path, error) from error


def _open_member(path: Path, key: str | None) -> npt.NDArray[Any]:
    with zipfile.ZipFile(path) as archive:
        members = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
        chosen = next(iter(members)) if key is None and len(members) == 1 else key
        if chosen not in members:
            raise ValueError(f"key must be one of {named_keys([*members])}, got {key!r}")
        entry = members[chosen]
        if entry.compress_type != zipfile.ZIP_STORED:
            with archive.open(entry) as file:
                _check_size(file, entry)
            with archive.open(entry) as file:
                return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    with path.open("rb") as file:
        # A local header is 30 bytes, of which the last four are the lengths of the name and the extra field.
        file.seek(entry.header_offset + 26)
        file.seek(sum(struct.unpack("<HH", file.read(4))), 1)
        start = file.tell()
    return _map(path, start)


def _map(path: Path, start: int) -> npt.NDArray[Any]:
    """The .npy file that begins at `start` of a file."""
    with path.open("rb") as file:
        file.seek(start)
        shape, fortran, dtype = _header(file)
        return np.memmap(path, dtype, "r", file.tell(), shape, "F" if fortran else "C")


def _check_size(file: IO[bytes], entry: zipfile.ZipInfo) -> None:
    """Hold what a compressed array says of its size against the file's, before memory is taken for it."""
    shape, _, dtype = _header(file)
    promised, there = math.prod(shape) * dtype.itemsize, entry.file_size - file.tell()
    if entry.compress_type == zipfile.ZIP_DEFLATED:
        there = min(there, _MOST_EXPANSION * entry.compress_size)
    if promised > there:
        raise ValueError(f"its array of shape {shape} needs {promised:,} bytes, of which there are at most {there:,}")


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether columns come first, and dtype."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise ValueError(f"its array has version {version} of the .npy format instead of (1, 0) or (2, 0)")
    if dtype.hasobject:
        raise ValueError("its array holds Python objects, which are never loaded")
    return shape, fortran, dtype
