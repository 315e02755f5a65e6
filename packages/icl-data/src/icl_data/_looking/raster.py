"""Images as rows of characters."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_GREY_WEIGHTS = np.array([0.299, 0.587, 0.114])  # luma of ITU-R BT.601
_SHADES, _ASCII_SHADES = " ░▒▓█", " .:-=+*#%@"
_HALVES = " ▄▀█"  # lower half inked, upper half, both
# A stroke thinner than a pixel covers little of it, and should still be seen.
_INK = 0.3
# Terminals' palette of 256: a cube of 6 levels a channel from entry 16 on, then 24 greys from 232 on.
_LEVELS = np.array([0, 95, 135, 175, 215, 255]) / 255
_GREYS = (8 + 10 * np.arange(24)) / 255


def grey(images: npt.NDArray[Any]) -> Floats:
    """(..., H, W) brightness in [0, 1] of images (..., H, W, C); channels other than three are averaged."""
    values = np.clip(np.asarray(images, dtype=np.float64), 0, 1)
    return np.asarray(values @ _GREY_WEIGHTS if values.shape[-1] == 3 else values.mean(axis=-1))


def resized(image: npt.NDArray[Any], height: int, width: int) -> Floats:
    """Image (H, W, ...) at another size: each new pixel is the mean over the area that it covers."""
    rows, columns = _overlaps(image.shape[0], height), _overlaps(image.shape[1], width)
    return np.asarray(np.einsum("hH,wW,HW...->hw...", rows, columns, np.asarray(image, dtype=np.float64)))


def shaded(ink: Floats, *, ascii_only: bool) -> list[str]:
    """Rows of characters, one a pixel of ink (h, w) in [0, 1]."""
    shades = _ASCII_SHADES if ascii_only else _SHADES
    levels = np.clip(np.rint(ink * (len(shades) - 1)).astype(int), 0, len(shades) - 1)
    return ["".join(shades[level] for level in row) for row in levels.tolist()]


def half_blocks(ink: Floats) -> list[str]:
    """Rows of half blocks, two pixels of ink (2h, w) in [0, 1] a character."""
    inked = ink >= _INK
    return ["".join(_HALVES[2 * a + b] for a, b in zip(*pair, strict=True)) for pair in _pairs(inked)]


def coloured(pixels: Floats) -> list[str]:
    """Rows of half blocks in the terminal's colours, two pixels of (2h, w, 1 or 3) a character."""
    rows = _pairs(_entries(pixels))
    return ["".join(f"\x1b[38;5;{a};48;5;{b}m▀" for a, b in zip(*row, strict=True)) + "\x1b[0m" for row in rows]


def _pairs(values: npt.NDArray[Any]) -> list[list[list[Any]]]:
    """Rows two by two."""
    return values.reshape(-1, 2, values.shape[1]).tolist()


def _entries(pixels: Floats) -> npt.NDArray[np.int64]:
    """(h, w) nearest entries of the palette."""
    values = np.broadcast_to(np.clip(pixels, 0, 1), (*pixels.shape[:2], 3))
    levels = np.abs(values[..., None] - _LEVELS).argmin(axis=-1)
    shade = np.abs(values.mean(axis=-1)[..., None] - _GREYS).argmin(axis=-1)
    from_cube, from_grey = (values - _LEVELS[levels]) ** 2, (values - _GREYS[shade][..., None]) ** 2
    cube = from_cube.sum(axis=-1) <= from_grey.sum(axis=-1)
    return np.asarray(np.where(cube, 16 + levels @ np.array([36, 6, 1]), 232 + shade))


def _overlaps(n_from: int, n_to: int) -> Floats:
    """(n_to, n_from) share of each old pixel in each new one, rows adding up to 1."""
    edges = np.linspace(0, n_from, n_to + 1)
    low, high = edges[:-1, None], edges[1:, None]
    old = np.arange(n_from)
    covered = np.clip(np.minimum(high, old + 1) - np.maximum(low, old), 0, None)
    return np.asarray(covered / (n_from / n_to))
