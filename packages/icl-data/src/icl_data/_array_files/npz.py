"""Arrays of .npz and .npy files, mapped into memory where the format allows."""

from __future__ import annotations

import os
import struct
import warnings
import zipfile
from collections import Counter
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from icl_data._array_files.claims import MOST_DEFLATED, check_expansion
from icl_data._array_files.npy_header import read_header
from icl_data._array_files.unreadable import UnreadableArray, key_refused
from icl_data._array_files.zip_list import open_zip
from icl_data.foundation.printable import one_line
from icl_data.foundation.regular_file import open_file

_NPY = b"\x93NUMPY"
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what NumPy writes; others expand without a known bound


def open_npz(path: Path, key: str | None) -> npt.NDArray[Any]:
    """An array of a .npz or .npy file: a read-only `numpy.memmap`, or an array in memory if it is compressed.

    Args:
        path: the file.
        key: name of the array; None for the only one, and for .npy files.

    Raises:
        ValueError: UnreadableArray if the file cannot be read, holds no such array, or one that is not as large as the
            file says.
    """
    try:
        with open_file(path) as file:
            beginning = file.read(len(_NPY))
            if beginning == _NPY:
                if key is not None:
                    raise ValueError(
                        f"key must be None for a .npy file, which has one array without a name, got {key!r}"
                    )
                return _map(file, 0, _size(file))
            if not beginning.startswith(b"PK"):
                raise ValueError("it is neither a .npz nor a .npy file")
            with open_zip(file) as archive:
                entry = _entry(archive, key)
                if entry.compress_type != zipfile.ZIP_STORED:
                    return _read(archive, entry, _size(file))
            start = _start(file, entry)
            return _map(file, start, start + entry.file_size)
    except Exception as error:  # a damaged file can fail in any way, in NumPy's reader of headers with a TokenError
        raise UnreadableArray(path, error) from error


def read_npz(path: Path, *keys: str) -> list[npt.NDArray[Any]]:
    """Arrays of a .npz file, in memory; their checksums have been compared.

    Args:
        path: the file.
        keys: names of the arrays.

    Raises:
        ValueError: UnreadableArray, as `open_npz`.
    """
    try:
        with open_file(path) as file, open_zip(file) as archive:
            return [_read(archive, _entry(archive, key), _size(file)) for key in keys]
    except Exception as error:
        raise UnreadableArray(path, error) from error


def _entry(archive: zipfile.ZipFile, key: str | None) -> zipfile.ZipInfo:
    entries = archive.infolist()
    members = {entry.filename.removesuffix(".npy"): entry for entry in entries}
    if len(members) < len(entries):
        ((twice, _),) = Counter(entry.filename.removesuffix(".npy") for entry in entries).most_common(1)
        raise ValueError(f"its arrays must have a name each, got {one_line(ascii(twice))[:60]} twice")
    chosen = next(iter(members)) if key is None and len(members) == 1 else key
    if chosen not in members:
        raise key_refused([*members], key)
    entry = members[chosen]
    if entry.compress_type not in _COMPRESSIONS:
        raise ValueError(f"its arrays must be stored or deflated, got compression {entry.compress_type}")
    return entry


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, size: int) -> npt.NDArray[Any]:
    stored = min(entry.compress_size, size)  # what the zip says itself is a claim, too
    with archive.open(entry) as file:
        header = read_header(file)
        there = entry.file_size - file.tell()
        header.require(min(there, stored * (MOST_DEFLATED if entry.compress_type else 1)))
        check_expansion(f"its array of shape {header.shape}", header.n_bytes, stored)
    with archive.open(entry) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array = np.asarray(np.lib.format.read_array(file, allow_pickle=False))
        if file.read(1):  # at the end the zip's checksum is compared
            raise ValueError(f"its array of shape {header.shape} must be all there is, got bytes behind it")
    return array


def _start(file: BufferedReader, entry: zipfile.ZipInfo) -> int:
    """Where an entry's content begins: a local header is 30 bytes, the last four the lengths of name and extra field,
    which follow it."""
    file.seek(entry.header_offset + 26)
    name_length, extra_length = struct.unpack("<HH", file.read(4))
    return entry.header_offset + 30 + int(name_length) + int(extra_length)


def _map(file: BufferedReader, start: int, stop: int) -> npt.NDArray[Any]:
    """The .npy file that lies between these places of a file."""
    file.seek(start)
    header = read_header(file)
    header.require(min(stop, _size(file)) - file.tell())
    return np.memmap(file, header.dtype, "r", file.tell(), header.shape, "F" if header.fortran else "C")


def _size(file: BufferedReader) -> int:
    return os.fstat(file.fileno()).st_size
