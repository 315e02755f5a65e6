"""Sequences as text for the terminal."""

from __future__ import annotations

import textwrap
from itertools import chain
from typing import Any

import numpy.typing as npt

from icl_data._looking.bursts import ALONE, burst_numbers, check_shown, sequence_title
from icl_data._looking.pictures import STYLES, TextStyle, text_pictures
from icl_data._sequences.batch import SequenceBatch

# Columns inside a frame: of an id, and of a picture the least in which it can be made out and the most that is of use.
_ID, _LEAST_PICTURE, _MOST_PICTURE = 11, 14, 22
_NARROWEST = 20
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
        below = _texts_below(batch, row, classes)
        per_line, inner = _layout(len(values), width, is_id=values.ndim == 1, longest=max(map(len, chain(*below))))
        numbers = burst_numbers(batch.class_index[row]).tolist()
        pictures = text_pictures(values, inner, style)
        cells = [
            _framed(picture, inner, texts, number, position == len(values) - 1, style)
            for position, (picture, texts, number) in enumerate(zip(pictures, below, numbers, strict=True))
        ]
        lines = textwrap.wrap(sequence_title(first + row, batch.class_index[row]), max(width, _NARROWEST))
        for start in range(0, len(cells), per_line):
            abreast = zip(*cells[start : start + per_line], strict=True)
            lines += [" ".join(parts).rstrip() for parts in abreast]
        blocks.append("\n".join(lines))
    return "\n\n".join([*blocks, textwrap.fill(_LEGEND, max(width, _NARROWEST))])


def _texts_below(batch: SequenceBatch, row: int, classes: bool) -> list[list[str]]:
    """Lines below each position."""
    labels, last = batch.label[row].tolist(), batch.label.shape[1] - 1
    below = [[f"{'target' if position == last else 'label'} {label}"] for position, label in enumerate(labels)]
    if classes:
        which = zip(below, batch.class_index[row].tolist(), batch.exemplar_index[row].tolist(), strict=True)
        below = [[*texts, f"class {index}", f"exemplar {exemplar}"] for texts, index, exemplar in which]
    return below


def _layout(length: int, width: int, *, is_id: bool, longest: int) -> tuple[int, int]:
    """Positions a line, and columns inside their frames: few lines, evenly long, and then as wide as is of use."""
    least = max(_ID if is_id else _LEAST_PICTURE, longest - 2)
    n_lines = -(-length // max((width + 1) // (least + 3), 1))
    per_line = -(-length // n_lines)
    most = least if is_id else max(_MOST_PICTURE, least)
    return per_line, max(min((width + 1) // per_line - 3, most), least)


def _framed(
    picture: list[str], inner: int, below: list[str], number: int, is_query: bool, style: TextStyle
) -> list[str]:
    """All lines of a position, `inner` + 2 columns wide on the screen."""
    ascii_only, colours = style == "ascii", style == "colours" and number != ALONE
    top_left, top_right, bottom_left, bottom_right, line, side = (_ASCII_FRAMES if ascii_only else _FRAMES)[is_query]
    name = "" if number == ALONE else chr(ord("A") + number) if number < 26 else str(number)
    title = " ".join(filter(None, ("query" if is_query else "", name)))
    title = f" {title} " if title else ""
    start, end = (f"\x1b[38;5;{_BURST_COLOURS[number % len(_BURST_COLOURS)]}m", "\x1b[0m") if colours else ("", "")
    return [
        f"{start}{top_left}{title.center(inner, line)}{top_right}{end}",
        *(f"{start}{side}{end}{row}{start}{side}{end}" for row in picture),
        f"{start}{bottom_left}{line * inner}{bottom_right}{end}",
        *(text.center(inner + 2) for text in below),
    ]
