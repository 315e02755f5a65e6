"""Files that tell whether they are as they were written: a hash at the end of a JSON object, and one in every line of a
file that grows.

A hash finds what disks, copies and half-finished writes do to a file. It is no signature: who changes a file on purpose
can write its hash, too.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from icl_data.foundation.plain_json import read_json
from icl_data.foundation.regular_file import open_file

__all__ = ["Damaged", "GrowingSeal", "file_hash", "seal_object", "unseal_object", "whole_sealed_lines"]

_HASH = "sha256"
_CHANGED = "it has been damaged or changed"
_END = re.compile(rb',\n "sha256": "([0-9a-f]{64})"\n\}\n\Z')
_LINE_END = re.compile(rb'[{,] ?"crc32": "([0-9a-f]{8})"\}\n\Z')


class Damaged(ValueError):
    """A file is not as it was written."""


def seal_object(text: str) -> str:
    """The text of a JSON object, with the SHA-256 of all else in it as its last entry.

    Args:
        text: an object that has entries, from "{" to "\\n}\\n", as `json.dumps(value, indent=1) + "\\n"` writes it.

    Raises:
        ValueError: it has another form.
    """
    if not text.endswith("\n}\n") or text.endswith("{\n}\n"):
        raise ValueError("a text to be sealed must be a JSON object with entries that ends with a line of its own")
    body = text[:-3]
    return f'{body},\n "{_HASH}": "{_digest(body.encode())}"\n}}\n'


def unseal_object(content: bytes) -> dict[str, Any]:
    """The JSON object that `seal_object` sealed, without its hash.

    Args:
        content: a whole file.

    Raises:
        Damaged: if a byte of it is another than was written.
    """
    end = _END.search(content)
    if end is None:
        raise Damaged(f"it must end with its {_HASH}, which is damaged or missing")
    if _digest(content[: end.start()]) != end[1].decode():
        raise Damaged(f"its content must have the {_HASH} that it was written with: it has been damaged or changed")
    try:
        value = read_json(content)
    except ValueError as error:  # sealed by somebody else
        raise Damaged(str(error)) from error
    del value[_HASH]
    return dict(value)


@dataclass(frozen=True)
class GrowingSeal:
    """How far a file of sealed lines goes, and the checksum of all that.

    Each line is a JSON object whose last entry, "crc32", is the CRC-32 of every byte of the file before its value. So
    the last line vouches for the whole file.

    Attributes:
        n_bytes: length of the file.
        crc32: of all its bytes.
    """

    n_bytes: int = 0
    crc32: int = 0

    @classmethod
    def of(cls, content: bytes) -> GrowingSeal:
        """That of a whole file.

        Args:
            content: the file.
        """
        return cls(len(content), zlib.crc32(content))

    def line(self, entry: dict[str, Any]) -> tuple[bytes, GrowingSeal]:
        """An object as the next line of the file, and the seal with that line.

        Args:
            entry: the object.

        Raises:
            ValueError: if it has an entry "crc32" already.
        """
        if "crc32" in entry:
            raise ValueError("an object to be sealed must have no entry named crc32, which is the seal's")
        text = json.dumps(entry)
        head = f'{text[:-1]}{", " if entry else ""}"crc32": "'.encode()
        line = head + f'{zlib.crc32(head, self.crc32):08x}"}}\n'.encode()
        return line, GrowingSeal(self.n_bytes + len(line), zlib.crc32(line, self.crc32))

    def after(self, lines: bytes, *, first: int = 1) -> GrowingSeal:
        """The seal with these lines behind it.

        Args:
            lines: whole ones.
            first: number of the first of them, as a complaint counts.

        Raises:
            Damaged: naming the first line that is another than was written.
        """
        if not lines:
            return self
        last = lines.rfind(b"\n", 0, -1) + 1
        end = _LINE_END.search(lines, last)
        if end is None or zlib.crc32(memoryview(lines)[: end.start(1)], self.crc32) != int(end[1], 16):
            raise Damaged(f"line {first + self._whole(lines)} must have the crc32 that it was written with: {_CHANGED}")
        crc = zlib.crc32(memoryview(lines)[end.start(1) :], int(end[1], 16))
        return GrowingSeal(self.n_bytes + len(lines), crc)

    def _whole(self, lines: bytes) -> int:
        """How many of these lines are as they were written, up to the first that is not."""
        crc = self.crc32
        for number, line in enumerate(lines.split(b"\n")[:-1]):
            whole = line + b"\n"
            end = _LINE_END.search(whole)
            if end is None or zlib.crc32(whole[: end.start(1)], crc) != int(end[1], 16):
                return number
            crc = zlib.crc32(whole, crc)
        raise AssertionError("lines that are all as written end with one that says so")

    def require_start_of(self, content: bytes) -> None:
        """That a file has not lost or changed what it had when this was its seal; it may have grown.

        Args:
            content: the whole file.

        Raises:
            Damaged: if it has.
        """
        if len(content) < self.n_bytes:
            raise Damaged(f"it must have the {self.n_bytes:,} bytes that it had, got {len(content):,}")
        if zlib.crc32(memoryview(content)[: self.n_bytes]) != self.crc32:
            raise Damaged(f"its first {self.n_bytes:,} bytes must have the crc32 that they had: they are damaged")


def whole_sealed_lines(content: bytes) -> bytes:
    """The lines of a file of sealed lines, all as they were written; a half-written last one, which a kill or a full
    disk can leave, is left out.

    Args:
        content: the whole file.

    Raises:
        Damaged: naming the first line that is another than was written.
    """
    lines = content[: content.rfind(b"\n") + 1]
    GrowingSeal().after(lines)
    return lines


def file_hash(path: Path) -> str:
    """The SHA-256 of a file as `sha256sum` prints it.

    Args:
        path: the file.

    Raises:
        OSError: what the system says, or that it is no file.
    """
    with open_file(path) as stream:
        return hashlib.file_digest(stream, _HASH).hexdigest()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
