"""A saved model's file with its own hash in its metadata, and whether the file is as that says.

The hash is of the whole file with 64 zeros in the hash's place. A number for the format stands beside it: as each of
the two demands the other, no single damage makes a file of one that had no hash yet.
"""

from __future__ import annotations

import hashlib
import re

from icl_data.foundation.sealed import Damaged
from icl_models._saved.header import Header

FORMAT_KEY, HASH_KEY = "icl_models.format", "icl_models.sha256"
FORMAT = "2"
"""The first that has a hash; files before it have no number."""

_ZEROS = "0" * 64
_PLACE = re.compile(rb'"icl_models\.sha256":"([0-9a-f]{64})"')


def unsealed_metadata() -> dict[str, str]:
    """The entries of metadata that `seal` completes."""
    return {FORMAT_KEY: FORMAT, HASH_KEY: _ZEROS}


def seal(head: bytes, tensors: memoryview) -> bytes:
    """The first part of a file, up to its header's end, with the hash of the whole file in it."""
    (place,) = _PLACE.finditer(head)
    return _with_digits(head, place, _digest(head, tensors))


def check_seal(content: bytes, header: Header) -> None:
    """That a file which has a hash is as it was written; one that was written before there were hashes may be anything.

    Args:
        content: the whole file.
        header: its header.

    Raises:
        Damaged: if it is not.
        ValueError: for a format to come.
    """
    if FORMAT_KEY not in header.metadata and HASH_KEY not in header.metadata:
        return
    head, tensors = content[: header.n_bytes], memoryview(content)[header.n_bytes :]
    places = list(_PLACE.finditer(head))
    if len(places) != 1:
        raise Damaged(f"it must have its {HASH_KEY} once in its metadata, which is damaged or missing")
    if _digest(_with_digits(head, places[0], _ZEROS), tensors) != places[0][1].decode():
        raise Damaged(f"it must have the {HASH_KEY} that it was written with: it has been damaged or changed")
    if header.metadata.get(FORMAT_KEY) != FORMAT:
        raise ValueError(
            f"its format must be {FORMAT}, got {header.metadata.get(FORMAT_KEY)}: a later version wrote it"
        )


def _with_digits(head: bytes, place: re.Match[bytes], digits: str) -> bytes:
    return head[: place.start(1)] + digits.encode() + head[place.end(1) :]


def _digest(*parts: bytes | memoryview) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
