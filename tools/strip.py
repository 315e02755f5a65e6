"""Pictures as one small one: a strip of thumbnails, each with its name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from icl_data.foundation.whole_file import whole_file

__all__ = ["write_strip"]

COLUMNS, WIDTH, HEIGHT = 4, 440, 290  # of a thumbnail, in pixels: twice those of a page
GAP, LETTERS, COLOURS = 20, 26, 128
TALLEST = 900  # in pixels: a picture with several rows of panels is taller, and cannot be read small


def write_strip(file: Path, pictures: Sequence[tuple[str, Path]]) -> None:
    """Draw it on white, in few colours, of those pictures that have one row of panels.

    Args:
        file: a PNG.
        pictures: names and PNG files.
    """
    shown = [(name, picture) for name, picture in pictures if size_of(picture)[1] <= TALLEST]
    rows = -(-len(shown) // COLUMNS)
    cell = WIDTH + GAP, HEIGHT + LETTERS + 2 * GAP
    strip = Image.new("RGB", (COLUMNS * cell[0] + GAP, rows * cell[1] + GAP), "white")
    pen = ImageDraw.Draw(strip)
    font = ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", LETTERS)
    for place, (name, picture) in enumerate(shown):
        left, top = GAP + place % COLUMNS * cell[0], GAP + place // COLUMNS * cell[1]
        pen.text((left, top), name, fill="black", font=font)
        with Image.open(picture) as opened:
            small = opened.convert("RGB")
            small.thumbnail((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
        strip.paste(small, (left, top + LETTERS + GAP // 2))
    with whole_file(file) as beside:
        strip.quantize(COLOURS, dither=Image.Dither.NONE).save(beside, "PNG", optimize=True)


def size_of(picture: Path) -> tuple[int, int]:
    """Width and height, in pixels."""
    with Image.open(picture) as opened:
        return opened.size
