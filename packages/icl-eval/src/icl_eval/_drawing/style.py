"""The figures' own style: what the user has set for others neither alters nor breaks them, and stays as it was."""

from __future__ import annotations

import warnings
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

import matplotlib
from matplotlib.font_manager import FontProperties, findfont, get_font

from icl_data.foundation.printable import printable

__all__ = ["legible", "line_of_page", "own_style", "text_width"]

FONT = "DejaVu Sans"  # comes with matplotlib
POINTS_PER_INCH = 72
LONGEST, MOST_LINES = 2000, 10
# In PDF and SVG, text is text, to be searched, copied and edited; ids that do not change from one drawing to the next.
_TEXT_IN_FILES: Any = {"pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "icl-eval"}


@contextmanager
def own_style() -> Iterator[None]:
    """matplotlib's built-in settings while a figure is made and written, with text as it stands: no TeX, no ``$x$``."""
    # Not matplotlib.rcdefaults(): it looks up the backend, which chooses one and so changes it.
    defaults: Any = {name: value for name, value in matplotlib.rcParamsDefault.items() if name != "backend"}
    with matplotlib.rc_context():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", matplotlib.MatplotlibDeprecationWarning)  # settings on their way out
            matplotlib.rcParams.update(defaults)
        matplotlib.rcParams.update({"font.sans-serif": [FONT], "text.parse_math": False, **_TEXT_IN_FILES})
        yield


def legible(text: str, *, size: float, width: float) -> str:
    """``text`` in at most ten lines of at most ``width`` inches, with escapes for what the font has no glyph for.

    Args:
        text: lines of any length and of any characters.
        size: of the font, in points.
        width: of a line, in inches.
    """
    font = get_font(findfont(FontProperties(family=FONT)))
    glyphs = font.get_charmap()
    font.set_size(size, POINTS_PER_INCH)
    lines: list[str] = []
    for line in text[:LONGEST].split("\n"):
        rest = "".join(c if ord(c) in glyphs else ascii(c)[1:-1] for c in printable(line))
        while rest:
            advances = (font.load_char(ord(c)).linearHoriAdvance / 2**16 for c in rest)  # a fixed-point number
            fitting = max(1, bisect_right(list(accumulate(advances)), width * POINTS_PER_INCH))
            if fitting < len(rest):
                fitting = rest.rfind(" ", 0, fitting + 1) + 1 or fitting
            lines.append(rest[:fitting].rstrip())
            rest = rest[fitting:]
    return "\n".join(lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], "…"])


def line_of_page(width: float) -> float:
    """What `legible` may fill of a page, in inches: letters are drawn up to 2% wider than their outlines are.

    Args:
        width: of the page, in inches, a tenth of which stays free at either side.
    """
    return 0.97 * (width - 0.2)


def text_width(text: str, *, size: float) -> float:
    """How wide one line of text is, in points.

    Args:
        text: of letters that the font has.
        size: of the font, in points.
    """
    font = get_font(findfont(FontProperties(family=FONT)))
    font.set_size(size, POINTS_PER_INCH)
    advances: list[float] = [font.load_char(ord(c)).linearHoriAdvance / 2**16 for c in text]
    return sum(advances)
