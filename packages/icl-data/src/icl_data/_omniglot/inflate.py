"""Inflating no further than there can honestly be."""

from __future__ import annotations

import zlib

_SHORT = 1 << 10  # deflate makes a megabyte of this at most, which does no harm, and in one call it is faster


def inflate(content: bytes, expected: int, wbits: int = zlib.MAX_WBITS) -> bytes:
    """What a deflated stream holds; of one that holds more than is expected, some of that.

    Args:
        content: the stream.
        expected: bytes that it should hold.
        wbits: its format, see `zlib`.

    Raises:
        zlib.error: it is damaged or cut.
    """
    if len(content) <= _SHORT:
        return zlib.decompress(content, wbits)
    inflating = zlib.decompressobj(wbits)
    found = inflating.decompress(content, expected + 1)  # the one more tells that there are others
    if len(found) <= expected and not inflating.eof:
        raise zlib.error("incomplete or truncated stream")
    return found
