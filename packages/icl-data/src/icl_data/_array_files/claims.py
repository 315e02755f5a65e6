"""What a file says of its size is held against the file itself, before memory is taken for it."""

from __future__ import annotations

from icl_data.foundation.machine_memory import machine_memory, readable_bytes

MOST_EXPANSION = 256
"""Bytes that one compressed byte of an array may become. Drawings of one bit a pixel stored as bytes, and vectors that
are mostly zeros, become 20 to 150."""
MOST_DEFLATED = 1100
"""Bytes that deflate can make of one are at most 1,032."""
_NO_HARM = 1 << 28  # bytes that any machine has to spare, however little is in the file


def check_expansion(what: str, needed: int, stored: int, *, most: int = MOST_EXPANSION) -> None:
    """Refuse what takes more memory than the machine has, or much more than its file can honestly tell.

    Args:
        what: what takes it, as the subject of a sentence.
        needed: bytes in memory.
        stored: bytes in the file.
        most: how many of the first may come from one of the second, beyond what does no harm.

    Raises:
        ValueError: it does.
    """
    if needed <= _NO_HARM:
        return
    memory = machine_memory()
    if memory is not None and needed > memory:
        raise ValueError(f"{what} must fit into memory, got {_told(needed)}, and there are {readable_bytes(memory)}")
    if needed > most * stored:
        raise ValueError(
            f"{what} must take at most {most:,} bytes of memory for each that is stored, got {_told(needed)} from "
            f"{stored:,}"
        )


def _told(size: int) -> str:
    return f"{size:,} bytes" if size < 1 << 20 else f"{size:,} bytes ({readable_bytes(size)})"
