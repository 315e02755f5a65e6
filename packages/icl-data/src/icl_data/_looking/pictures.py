"""One example as a few lines of text."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from icl_data._looking.raster import coloured, grey, half_blocks, resized, shaded

TextStyle = Literal["ascii", "blocks", "colours"]
STYLES: tuple[TextStyle, ...] = ("ascii", "blocks", "colours")
_BAR_ROWS = 4
_BARS, _ASCII_BARS = "▁▂▃▄▅▆▇█", "_.:-=+*#"


def text_pictures(values: npt.NDArray[Any], inner: int, style: TextStyle) -> list[list[str]]:
    """Lines, `inner` columns wide on the screen and equally many, for each of the examples (L, *example_shape)."""
    if values.ndim == 1:
        return [[str(number).center(inner)] for number in values.tolist()]
    if values.ndim == 2:
        return _bars(values, inner, _ASCII_BARS if style == "ascii" else _BARS)
    return _images(values, inner, style)


def _bars(vectors: npt.NDArray[Any], inner: int, levels: str) -> list[list[str]]:
    n, dim = vectors.shape
    rows = min(-(-dim // inner), _BAR_ROWS)
    columns = min(-(-dim // rows), inner)
    low, high = float(vectors.min()), float(vectors.max())
    heights = resized(vectors.T.astype(np.float64), rows * columns, n).T if dim > rows * columns else vectors
    steps = np.rint((heights - low) / ((high - low) or 1) * (len(levels) - 1)).astype(int)
    found = []
    for bars in steps.tolist():
        text = "".join(levels[step] for step in bars).ljust(rows * columns)
        found.append([text[start : start + columns].center(inner) for start in range(0, rows * columns, columns)])
    return found


def _images(images: npt.NDArray[Any], inner: int, style: TextStyle) -> list[list[str]]:
    height, width = images.shape[1:3]
    columns = max(min(inner, round(inner * width / height)), 1)  # pictures higher than wide stay as high as wide ones
    rows = max(round(columns * height / width / 2), 1)
    if style == "colours":
        shown = images if images.shape[-1] == 3 else grey(images)[..., None]
        return [_centred(coloured(resized(image, 2 * rows, columns)), columns, inner) for image in shown]
    brightness = grey(images)
    ink = np.abs(brightness - (1.0 if brightness.mean() > 0.5 else 0.0))
    if style == "blocks" and len(np.unique(images)) <= 2:
        drawn = [half_blocks(resized(image, 2 * rows, columns)) for image in ink]
    else:
        drawn = [shaded(resized(image, rows, columns), ascii_only=style == "ascii") for image in ink]
    return [_centred(lines, columns, inner) for lines in drawn]


def _centred(lines: list[str], columns: int, inner: int) -> list[str]:
    left = (inner - columns) // 2
    return [" " * left + line + " " * (inner - columns - left) for line in lines]
