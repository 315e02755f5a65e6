"""Where the image files of one part of Omniglot are: its zip, or what was unpacked from it."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from icl_data._array_files.zip_list import open_zip
from icl_data._omniglot.inflate import inflate
from icl_data._omniglot.limits import MOST_OF_A_LIST, MOST_OF_AN_IMAGE, Allowance
from icl_data.foundation.regular_file import read_file

_LENGTHS = struct.Struct("<HH")


class Store(Protocol):
    """Where the image files of one part are."""

    path: Path

    def fingerprint(self) -> str:
        """A digest that changes when the files do."""
        ...

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of every file."""
        ...


class ZipStore:
    """An official zip.

    Args:
        path: where it is.
        n_images: images of the official part, by which it is judged how large this one may be.

    Raises:
        OSError: it cannot be read, or is no file.
        ValueError: it is larger than it may be.
    """

    def __init__(self, path: Path, n_images: int) -> None:
        self.path, self._n_images = path, n_images
        self._bytes = read_file(path, most_bytes=Allowance(n_images).most_bytes)

    def fingerprint(self) -> str:
        """SHA-256 of the zip."""
        return hashlib.sha256(self._bytes).hexdigest()

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Entries, read by hand because `ZipFile.read` takes half the loading time for its bookkeeping."""
        with open_zip(io.BytesIO(self._bytes), most_bytes=MOST_OF_A_LIST) as archive:
            entries = archive.infolist()
        allowance = Allowance(self._n_images)
        allowance.take_entries(len(entries))
        for entry in entries:
            if entry.filename.endswith(".png"):
                content = self._read(entry)
                allowance.take_image(len(content))
                yield entry.filename, content

    def _read(self, entry: zipfile.ZipInfo) -> bytes:
        size = entry.file_size
        if size > MOST_OF_AN_IMAGE or entry.compress_size > MOST_OF_AN_IMAGE:
            raise ValueError(f"{entry.filename} must have at most {MOST_OF_AN_IMAGE:,} bytes, got {size:,}")
        # A local header is 30 bytes, of which the last four are the lengths of the name and the extra field.
        name_length, extra_length = _LENGTHS.unpack_from(self._bytes, entry.header_offset + 26)
        start = entry.header_offset + 30 + name_length + extra_length
        content = self._bytes[start : start + entry.compress_size]
        if entry.compress_type == zipfile.ZIP_DEFLATED:
            content = inflate(content, size, -zlib.MAX_WBITS)
        elif entry.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{entry.filename} has an unknown compression")
        if len(content) != size:
            raise ValueError(f"{entry.filename} must have the {size:,} bytes that the zip tells")
        if zlib.crc32(content) != entry.CRC:
            raise ValueError(f"{entry.filename} has a wrong checksum")
        return content


class FolderStore:
    """An unpacked zip.

    Args:
        path: the folder.
        n_images: as for `ZipStore`.
    """

    def __init__(self, path: Path, n_images: int) -> None:
        self.path, self._n_images = path, n_images

    def fingerprint(self) -> str:
        """SHA-256 of the names, sizes and times of all files."""
        digest = hashlib.sha256(os.fsencode(self.path.resolve()))
        for entry in sorted(self._walk(), key=lambda found: found.path):
            status = entry.stat()
            digest.update(os.fsencode(entry.path) + f"\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def files(self) -> Iterator[tuple[str, bytes]]:
        """All PNG files below the folder."""
        allowance, length = Allowance(self._n_images), len(os.fspath(self.path))
        for entry in self._walk():
            content = read_file(entry.path, most_bytes=MOST_OF_AN_IMAGE)
            allowance.take_image(len(content))
            yield self.path.name + entry.path[length:].replace(os.sep, "/"), content

    def _walk(self) -> Iterator[os.DirEntry[str]]:
        return _walk(self.path, Allowance(self._n_images), set())


def _walk(folder: Path | str, allowance: Allowance, seen: set[tuple[int, int]]) -> Iterator[os.DirEntry[str]]:
    """Image files below a folder, by name, so that what is wrong with them is always said of the same ones."""
    status = os.stat(folder)
    if (status.st_dev, status.st_ino) in seen:  # so that links can neither go round nor multiply
        raise ValueError(f"every folder must be there once, got {os.fspath(folder)!r} twice, by way of a link")
    seen.add((status.st_dev, status.st_ino))
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            allowance.take_entries(1)
            found.append(entry)
    for entry in sorted(found, key=lambda found: found.name):
        if entry.is_dir():
            yield from _walk(entry.path, allowance, seen)
        elif entry.name.endswith(".png"):
            yield entry
