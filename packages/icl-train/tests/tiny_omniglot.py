"""A made-up Omniglot of a few characters, with files of the official names and format."""

import struct
import zlib

import numpy as np


def _chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def one_bit_png(pixels):
    """(105, 105) of 0 and 1 → the bytes of a one-bit grey PNG."""
    height, width = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in np.packbits(pixels, axis=1))
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def write_omniglot(folder, *, characters=(20, 12), drawings=20):
    """Write images_background/ and images_evaluation/ with this many random characters."""
    rng = np.random.default_rng(0)
    character = 0
    for part, count in zip(("images_background", "images_evaluation"), characters, strict=True):
        for number in range(1, count + 1):
            character += 1
            place = folder / part / "Alphabet" / f"character{number:02d}"
            place.mkdir(parents=True)
            for drawing in range(1, drawings + 1):
                pixels = (rng.random((105, 105)) > 0.1).astype(np.uint8)
                (place / f"{character:04d}_{drawing:02d}.png").write_bytes(one_bit_png(pixels))
    return folder
