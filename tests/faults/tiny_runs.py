"""Tiny runs as the commands make them, and their files sealed anew, as by somebody who knows how."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

SMOKE = ("run", "smoke", "--max-steps", "20", "--eval-interval", "10")
SMOKE += ("--train.checkpoint-interval", "5", "--train.log-interval", "5")


def train(root: Path, name: str, *options: object) -> Path:
    """A finished run of twenty steps, trained in a process of its own (this one is to be free of threads)."""
    command = [sys.executable, "-m", "icl_train", *SMOKE, "--root", root, "--name", name, *options]
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
    return root / name


def seal(value: Any) -> bytes:
    """An object as format 2 of run folders has it."""
    from icl_data.foundation.sealed import seal_object

    text = json.dumps(value, indent=1) + "\n"
    try:
        return seal_object(text).encode("utf-8", "surrogatepass")
    except ValueError:  # no object, or an empty one
        return text.encode("utf-8", "surrogatepass")


def is_sealed(content: bytes) -> bool:
    """Whether a file ends with its hash."""
    return content.endswith(b'"\n}\n') and b'"sha256": "' in content[-90:]


def unsealed(content: bytes) -> Any:
    """The JSON value of a file, without its hash."""
    value = json.loads(content)
    if is_sealed(content):
        del value["sha256"]
    return value


def sealed_lines(values: list[Any], *, sealed: bool) -> bytes:
    """JSON values as lines, with their checksums if they are sealed."""
    content = b""
    for value in values:
        text = json.dumps(value).encode("utf-8", "surrogatepass")
        if sealed and isinstance(value, dict):
            head = text[:-1] + (b", " if value else b"") + b'"crc32": "'
            text = head + f'{zlib.crc32(content + head):08x}"}}'.encode()
        content += text + b"\n"
    return content
