"""Arrays of .npz and .npy files, mapped into memory where the format allows."""

from __future__ import annotations

import errno
import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from icl_data.foundation.command_line import listed, nearest
from icl_data.foundation.printable import one_line, printable


def open_npz(path: Path, key: str | None) -> npt.NDArray[Any]:
    """An array of a .npz or .npy file: a read-only `numpy.memmap`, or an array in memory if it is compressed.

    Raises:
        ValueError: the file cannot be read, or holds no such array.
    """
    try:
        with path.open("rb") as file:
            beginning = file.read(6)
        if beginning == b"\x93NUMPY":
            if key is not None:
                raise ValueError(f"key must be None for a .npy file, which has one array without a name, got {key!r}")
            return np.asanyarray(np.load(path, mmap_mode="r", allow_pickle=False))
        if not beginning.startswith(b"PK"):
            raise ValueError("it is neither a .npz nor a .npy file")
        return _open_member(path, key)
    except (OSError, ValueError, EOFError, struct.error, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
        raise unreadable_array(path, error) from error


def unreadable_array(path: Path, error: Exception) -> ValueError:
    """What to raise about a file of arrays: one line that names it, and the file beside it that may have been meant."""
    if not isinstance(error, OSError) or error.errno is None:
        return ValueError(f"cannot read an array from {str(path)!r}: {one_line(error)}")
    hint = nearest(path.name, _neighbours(path)) if error.errno == errno.ENOENT else ""
    return ValueError(f"cannot read an array from {str(path)!r}: {os.strerror(error.errno)}{hint}")


def _neighbours(path: Path) -> list[str]:
    try:
        return [printable(other) for other in os.listdir(path.parent)]
    except OSError:
        return []


def _open_member(path: Path, key: str | None) -> npt.NDArray[Any]:
    with zipfile.ZipFile(path) as archive:
        members = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
    chosen = next(iter(members)) if key is None and len(members) == 1 else key
    if chosen not in members:
        raise ValueError(f"key must be one of {printable(listed([*members]))}, got {key!r}")
    if members[chosen].compress_type == zipfile.ZIP_STORED:
        return _map(path, members[chosen].header_offset)
    with np.load(path, allow_pickle=False) as arrays:
        return np.asarray(arrays[chosen])


def _map(path: Path, header_offset: int) -> npt.NDArray[Any]:
    """An uncompressed member is a .npy file within the file."""
    with path.open("rb") as file:
        # A local header is 30 bytes, of which the last four are the lengths of the name and the extra field.
        file.seek(header_offset + 26)
        file.seek(sum(struct.unpack("<HH", file.read(4))), 1)
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
        else:
            raise ValueError(f"its array has version {version} of the .npy format instead of (1, 0) or (2, 0)")
        if dtype.hasobject:
            raise ValueError("its array holds Python objects")
        return np.memmap(path, dtype, "r", file.tell(), shape, "F" if fortran else "C")
