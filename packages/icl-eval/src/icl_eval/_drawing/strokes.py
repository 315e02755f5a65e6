"""How lines are told apart: by colour, and for those who see none by marker and stroke."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib import colormaps
from matplotlib.colors import to_rgb

__all__ = ["Stroke", "stroke_of"]

# Okabe and Ito 2008, in an order whose neighbours differ in lightness.
_NAMED = ("#0072B2", "#E69F00", "#000000", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
_DASHES: tuple[Any, ...] = ("-", (0, (6, 1.5)), (0, (3, 1, 1, 1)), (0, (1.2, 1.2)), (0, (7, 1, 1, 1, 1, 1)))
_MARKERS = ("o", "s", "^", "v", "P", "X", "<", ">", "p", "h")
_READABLE = 0.45  # lightness of text on white
_LIGHTEST = 0.86  # of viridis: beyond, lines fade on white


@dataclass(frozen=True)
class Stroke:
    """A line's colour, dashes and marker."""

    color: Any
    dashes: Any
    marker: str

    @property
    def text_color(self) -> Any:
        """The same colour, dark enough to be read on white."""
        red, green, blue = to_rgb(self.color)
        lightness = 0.299 * red + 0.587 * green + 0.114 * blue
        share = min(1.0, _READABLE / lightness) if lightness else 1.0
        return red * share, green * share, blue * share


def stroke_of(hue: int, n_hues: int, *, ordered: bool) -> Stroke:
    """How the line of that hue is drawn.

    Args:
        hue: which.
        n_hues: of how many.
        ordered: numbers are a scale from dark to light, which is one in grey as well; names have dashes of their own.
    """
    marker = _MARKERS[hue % len(_MARKERS)]
    if ordered:
        place = 0.0 if n_hues < 2 else _LIGHTEST * hue / (n_hues - 1)
        return Stroke(colormaps["viridis"](place), "-", marker)
    return Stroke(_NAMED[hue % len(_NAMED)], _DASHES[hue % len(_DASHES)], marker)
