"""The JSON objects of a run folder: sealed since format 2, plain in format 1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from icl_data.foundation.plain_json import read_json
from icl_data.foundation.printable import one_line
from icl_data.foundation.regular_file import read_file
from icl_data.foundation.sealed import Damaged, seal_object, unseal_object
from icl_data.foundation.whole_file import write_text

__all__ = ["OLDER_FORMAT", "RUN_FORMAT", "object_in", "read_object", "write_object"]

RUN_FORMAT = 2
"""The format of run folders that is written; 1, which had no hashes, is read."""
OLDER_FORMAT = 1  # without any hash; no single bit makes this number from the other
_LARGEST = 100_000_000  # bytes; classes.json, the largest, has some megabytes


def write_object(file: Path, value: Mapping[str, Any], *, run_format: int = RUN_FORMAT) -> None:
    """Write an object as a whole file.

    Args:
        file: where.
        value: what; "format" is put before it.
        run_format: sealed, or the older one.
    """
    text = json.dumps({"format": run_format, **value}, indent=1) + "\n"
    write_text(file, text if run_format == OLDER_FORMAT else seal_object(text))


def read_object(file: Path, *, most_bytes: int = _LARGEST) -> tuple[dict[str, Any], int]:
    """What `write_object` has written, and its format.

    Args:
        file: where.
        most_bytes: what such a file may have.

    Raises:
        Damaged: if it is not as it was written; in one line that does not name the file.
        OSError: what the system says.
    """
    try:
        content = read_file(file, most_bytes=most_bytes)
    except ValueError as error:
        raise Damaged(one_line(error)) from error
    return object_in(content)


def object_in(content: bytes) -> tuple[dict[str, Any], int]:
    """The object in the content of a file, and its format; see :func:`read_object`."""
    try:
        value = unseal_object(content)
    except Damaged as damage:
        return _older(content, damage), OLDER_FORMAT
    _require_format(value, RUN_FORMAT)
    return value, RUN_FORMAT


def _older(content: bytes, damage: Damaged) -> dict[str, Any]:
    """The object in a file that is not sealed, if it is one of the format before there were seals."""
    try:
        value = read_json(content)
    except ValueError as error:
        why = damage if b'"sha256"' in content else one_line(error)
        raise Damaged(str(why)) from None
    if not isinstance(value, dict):
        raise Damaged(f"it must be a JSON object, got {one_line(json.dumps(value))[:60]}")
    if "sha256" in value or value.get("format") == RUN_FORMAT:
        raise damage
    _require_format(value, OLDER_FORMAT)
    return value


def _require_format(value: Mapping[str, Any], expected: int) -> None:
    if "format" not in value:
        raise Damaged(f"its format must be {OLDER_FORMAT} or {RUN_FORMAT}, got none")
    if type(value["format"]) is not int or value["format"] != expected:
        raise Damaged(f"its format must be {OLDER_FORMAT} or {RUN_FORMAT}, got {one_line(value['format'])[:60]}")
