"""One-bit grey PNGs, many of one size at once, with the standard library and NumPy alone."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from icl_data._omniglot.inflate import inflate

Bytes = npt.NDArray[np.uint8]
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNK = struct.Struct(">I4s")  # length and name; a checksum follows the content


def read_one_bit_pngs(files: Sequence[bytes], size: int) -> Bytes:
    """Read square one-bit grey images.

    Args:
        files: contents of the PNG files.
        size: width and height that each must have.

    Returns:
        (n, size, ceil(size / 8)) bytes of packed pixels, most significant bit first, 1 white; the bits beyond the
        width are 0.

    Raises:
        ValueError: a file is damaged or another sort of image.
    """
    stride = (size + 7) // 8
    lines = np.empty((len(files), size * (stride + 1)), dtype=np.uint8)
    # width, height, bits, colour type (0 grey), compression, filter, interlace
    header = struct.pack(">IIBBBBB", size, size, 1, 0, 0, 0, 0)
    for place, file in enumerate(files):
        lines[place] = np.frombuffer(_scanlines(file, size, header, lines.shape[1]), dtype=np.uint8)
    packed = _unfilter(lines.reshape(-1, size, stride + 1))
    spare = 8 * stride - size
    packed[:, :, -1] &= (0xFF << spare) & 0xFF
    return packed


def _scanlines(file: bytes, size: int, wanted: bytes, expected: int) -> bytes:
    if not file.startswith(_SIGNATURE):
        raise ValueError("not a PNG file")
    data, position, header = [], len(_SIGNATURE), b""
    last = len(file) - 12
    while position <= last:
        length, name = _CHUNK.unpack_from(file, position)
        if name == b"IDAT":
            data.append(file[position + 8 : position + 8 + length])
        elif name == b"IHDR":
            header = file[position + 8 : position + 8 + length]
        elif name == b"IEND":
            break
        position += 12 + length
    if header != wanted:
        raise ValueError(f"not a one-bit grey PNG of {size}x{size} without interlacing")
    try:
        lines = inflate(b"".join(data), expected)
    except zlib.error as error:
        raise ValueError(f"damaged PNG data ({error})") from error
    if len(lines) > expected:
        raise ValueError(f"PNG data of more than {expected} bytes")
    if len(lines) < expected:
        raise ValueError(f"PNG data of {len(lines)} bytes instead of {expected}")
    return lines


def _unfilter(lines: Bytes) -> Bytes:
    """Undo the PNG line filters (RFC 2083, section 6), one line of all images at a time."""
    filters, packed = lines[:, :, 0], lines[:, :, 1:].copy()
    if filters.size and filters.max() > 4:
        raise ValueError("unknown PNG line filter")
    above = np.zeros(packed[:, 0].shape, dtype=np.uint8)
    for row in range(packed.shape[1]):
        line, kinds = packed[:, row], filters[:, row]
        for kind, undo in ((1, _undo_sub), (2, _undo_up), (3, _undo_average), (4, _undo_paeth)):
            chosen = np.flatnonzero(kinds == kind)
            if len(chosen):
                line[chosen] = undo(line[chosen], above[chosen])
        above = line
    return packed


def _undo_sub(line: Bytes, above: Bytes) -> Bytes:
    return np.cumsum(line, axis=1, dtype=np.uint8)


def _undo_up(line: Bytes, above: Bytes) -> Bytes:
    return line + above


def _undo_average(line: Bytes, above: Bytes) -> Bytes:
    left = np.zeros(len(line), dtype=np.uint8)
    for column in range(line.shape[1]):
        mean = (left.astype(np.uint16) + above[:, column]) // 2
        left = line[:, column] = line[:, column] + mean.astype(np.uint8)
    return line


def _undo_paeth(line: Bytes, above: Bytes) -> Bytes:
    left = np.zeros(len(line), dtype=np.int16)
    corner = np.zeros(len(line), dtype=np.int16)
    for column in range(line.shape[1]):
        up = above[:, column].astype(np.int16)
        to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
        predictor = np.where(
            (to_left <= to_up) & (to_left <= to_corner), left, np.where(to_up <= to_corner, up, corner)
        )
        line[:, column] += predictor.astype(np.uint8)
        left, corner = line[:, column].astype(np.int16), up
    return line
