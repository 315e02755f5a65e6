"""Sequences as text for the terminal."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from icl_data._batch import SequenceBatch
from icl_data._show_bursts import ALONE, burst_numbers, check_shown, sequence_title
from icl_data._show_raster import coloured, grey, half_blocks, resized, shaded

TextStyle = Literal["ascii", "blocks", "colours"]
STYLES: tuple[TextStyle, ...] = ("ascii", "blocks", "colours")
# Inner width of a cell: the least in which a picture can be made out, the most that is of use.
_LEAST_PICTURE, _MOST_PICTURE, _ID = 14, 22, 11
_BAR_ROWS = 4
_NARROWEST = 20
_BARS, _ASCII_BARS = "▁▂▃▄▅▆▇█", "_.:-=+*#"
_LEGEND = "Positions that share a letter show the same class. The last one is the query, and its label the target."
# corners and lines of a frame: top left, top right, bottom left, bottom right, horizontal, vertical
_FRAMES = {False: tuple("┌┐└┘─│"), True: tuple("╔╗╚╝═║")}
_ASCII_FRAMES = {False: tuple("++++-|"), True: tuple("####=#")}
# Entries of the terminal's palette: orange, sky blue, green, yellow, blue, red, pink, which colour-blind readers can
# tell apart, too.
_BURST_COLOURS = (208, 75, 36, 220, 27, 160, 175)


def format_sequences(
    batch: SequenceBatch,
    examples: npt.NDArray[Any],
    *,
    width: int = 80,
    style: TextStyle = "blocks",
    classes: bool = False,
    first: int = 0,
) -> str:
    """Sequences as text: examples in the order of the context, the query last, labels below.

    Ids are numbers. Vectors are bars, from the smallest to the largest value of the sequence, left to right in at most
    four rows; several dimensions share a bar if there are more than bars. Images are blocks or shades, more ink for
    what differs more from the background, bright or dark, and true colours in style "colours".

    Args:
        batch: n sequences of L.
        examples: what they show, as `Source.gather` returns it: (n, L), (n, L, D) or (n, L, H, W, C).
        width: columns to fill; wider than they are, cells go on in the next line.
        style: "ascii", "blocks" (Unicode) or "colours" (blocks and escape codes of a terminal with 256 colours).
        classes: write class and exemplar positions below the labels.
        first: number of the first sequence.

    Raises:
        ValueError: examples of another shape, or an unknown style.
    """
    if style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}, got {style!r}")
    check_shown(batch.label.shape, examples)
    blocks = []
    for row, values in enumerate(examples):
        cells = _cells(batch[row : row + 1], values, width, style, classes)
        per_line = max((width + 1) // (cells[0].width + 1), 1)
        per_line = -(-len(cells) // -(-len(cells) // per_line))  # lines of even length
        lines = textwrap.wrap(sequence_title(first + row, batch.class_index[row]), max(width, _NARROWEST))
        for start in range(0, len(cells), per_line):
            abreast = [cell.lines for cell in cells[start : start + per_line]]
            lines += [" ".join(parts).rstrip() for parts in zip(*abreast, strict=True)]
        blocks.append("\n".join(lines))
    return "\n\n".join([*blocks, textwrap.fill(_LEGEND, max(width, _NARROWEST))])


@dataclass(frozen=True)
class _Cell:
    """One position: its lines, all `width` columns wide on the screen."""

    width: int
    lines: list[str]


def _cells(batch: SequenceBatch, values: npt.NDArray[Any], width: int, style: TextStyle, classes: bool) -> list[_Cell]:
    inner = _inner_width(values, len(values), width)
    pictures = _pictures(values, inner, style)
    numbers = burst_numbers(batch.class_index[0])
    last = len(values) - 1
    cells = []
    for position, picture in enumerate(pictures):
        below = [f"{'target' if position == last else 'label'} {batch.label[0, position]}"]
        if classes:
            below += [f"class {batch.class_index[0, position]}", f"exemplar {batch.exemplar_index[0, position]}"]
        cells.append(_framed(picture, inner, below, int(numbers[position]), position == last, style))
    return cells


def _inner_width(values: npt.NDArray[Any], length: int, width: int) -> int:
    """Columns inside a frame, such that as many cells as possible, all at least legible, fill the width evenly."""
    least, most = (_ID, _ID) if values.ndim == 1 else (_LEAST_PICTURE, _MOST_PICTURE)
    per_line = max(min(length, (width + 1) // (least + 3)), 1)
    lines = -(-length // per_line)
    room = (width + 1) // -(-length // lines) - 3
    return max(min(room, most), 1)


def _pictures(values: npt.NDArray[Any], inner: int, style: TextStyle) -> list[list[str]]:
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


def _framed(picture: list[str], inner: int, below: list[str], number: int, is_query: bool, style: TextStyle) -> _Cell:
    ascii_only, colours = style == "ascii", style == "colours" and number != ALONE
    top_left, top_right, bottom_left, bottom_right, line, side = (_ASCII_FRAMES if ascii_only else _FRAMES)[is_query]
    name = "" if number == ALONE else chr(ord("A") + number) if number < 26 else str(number)
    title = " ".join(filter(None, ("query" if is_query else "", name)))[:inner]
    title = f" {title} " if title and len(title) + 2 <= inner else title
    start, end = (f"\x1b[38;5;{_BURST_COLOURS[number % len(_BURST_COLOURS)]}m", "\x1b[0m") if colours else ("", "")
    lines = [
        f"{start}{top_left}{title.center(inner, line)}{top_right}{end}",
        *(f"{start}{side}{end}{row}{start}{side}{end}" for row in picture),
        f"{start}{bottom_left}{line * inner}{bottom_right}{end}",
        *(text[: inner + 2].center(inner + 2) for text in below),
    ]
    return _Cell(inner + 2, lines)
