"""Panels of some pictures as one small one, with the name of each."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from icl_data.foundation.whole_file import whole_file

__all__ = ["ROWS", "panels", "write_strip"]

# Rows of the strip: experiment, which panel of its picture (row by row from 0), and what is drawn there.
ROWS = (
    (
        ("figure2", 0, "in context, by share of bursty sequences"),
        ("figure6", 0, "in context, by skew of classes"),
        ("reddy2023", 0, "both kinds, by number of classes"),
    ),
    (
        ("singh2024-induction", 1, "loss, with parts of the circuit given"),
        ("singh2025-coopetition", 0, "in-context learning comes and goes"),
    ),
)
GAP, NAME, WORDS, COLOURS = 24, 28, 22, 256
INK, BLACK = 200, 60  # greys below which a pixel is drawn on, and is of an axis
AXIS = 300  # pixels: what is black from above to below for so long is the axis of a panel
TICKS = 43  # pixels left of an axis, which its numbers take
LABEL = 18  # pixels that a label written upwards takes at most
BELOW = 40  # pixels below an axis, within which its numbers and its label begin

Box = tuple[int, int, int, int]


def write_strip(file: Path, pictures: Mapping[str, Path]) -> None:
    """Draw it on white, in few colours, in the pictures' own size: so their letters can be read at half of it.

    Args:
        file: a PNG.
        pictures: experiment → PNG file; what is not there is left out, and named on stderr if it is a panel.
    """
    rows = [row for row in known_panels(pictures) if row]
    head = NAME + WORDS + GAP
    width = max((sum(panel.width + GAP for _, panel, _ in row) + GAP for row in rows), default=GAP)
    heights = [max(panel.height for _, panel, _ in row) + head + GAP for row in rows]
    strip = Image.new("RGB", (width, sum(heights) or GAP), "white")
    pen = ImageDraw.Draw(strip)
    for row, top in zip(rows, np.cumsum([0, *heights]).tolist(), strict=False):
        spare = (width - sum(panel.width for _, panel, _ in row)) // (len(row) + 1)
        left = spare
        for name, panel, words in row:
            pen.text((left, top + GAP // 3), name, fill="black", font=font("DejaVuSans-Bold", NAME))
            pen.text((left, top + GAP // 3 + NAME + 6), words, fill="#444444", font=font("DejaVuSans", WORDS))
            strip.paste(panel, (left, top + head))
            left += panel.width + spare
    with whole_file(file) as beside:
        few = strip.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(beside, "PNG", optimize=True)


def known_panels(pictures: Mapping[str, Path]) -> Iterator[list[tuple[str, Image.Image, str]]]:
    """The rows of the strip, as far as there are pictures with such panels: experiment, panel, what is drawn there."""
    for row in ROWS:
        found = []
        for name, which, words in row:
            if name in pictures:
                try:
                    found.append((name, cut(pictures[name], which), words))
                except ValueError as error:  # of some of its runs alone
                    print(f"left out of the strip: {name}: {error}", file=sys.stderr)
        yield found


def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """One of the fonts that Matplotlib brings, in pixels."""
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf", size)


def cut(picture: Path, which: int) -> Image.Image:
    """One panel of a picture."""
    with Image.open(picture) as opened:
        whole = opened.convert("RGB")
    found = panels(np.asarray(whole.convert("L")))
    if which >= len(found):
        raise ValueError(f"{picture} must have a panel {which}, counted from 0, got {len(found)} panels")
    return whole.crop(found[which])


def panels(grey: np.ndarray) -> list[Box]:
    """Left, top, right and bottom of each panel, row by row: its axes, their numbers, its names of curves.

    Args:
        grey: rows of pixels of a picture, 0 to 255.
    """
    axes = sorted(vertical_axes(grey), key=lambda axis: (axis[1] // AXIS, axis[0]))
    found = []
    for left, top, bottom in axes:
        right = min((x for x, y, _ in axes if x > left and abs(y - top) < AXIS), default=None)
        end = grey.shape[1] if right is None else right - TICKS
        parts = inked(np.any(grey[top:bottom, left:end] < INK, axis=0))
        if right is not None and parts[-1][1] - parts[-1][0] <= LABEL:  # the label of the next panel's axis
            parts.pop()
        below = grey[bottom : bottom + 2 * BELOW, left - TICKS : left + parts[-1][1]]
        lines = inked(np.any(below < INK, axis=1))
        height = max((low for high, low in lines if high < BELOW), default=0)
        found.append((left - TICKS, top, left + parts[-1][1], bottom + height))
    return found


def vertical_axes(grey: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Where an axis is, and from where down to where."""
    for x, column in enumerate((grey < BLACK).T):
        yield from ((x, top, bottom) for top, bottom in inked(column, gap=1) if bottom - top >= AXIS)


def inked(line: np.ndarray, gap: int = 4) -> list[tuple[int, int]]:
    """Stretches of a line that are drawn on, and apart by at least so many pixels that are not."""
    places = np.flatnonzero(line)
    if not places.size:
        return []
    breaks = np.flatnonzero(np.diff(places) > gap) + 1
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(places, breaks)]
