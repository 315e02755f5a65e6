"""How large things are: for a column of a paper, for a slide, for a notebook."""

from __future__ import annotations

from dataclasses import dataclass

from icl_data.foundation.command_line import nearest

__all__ = ["STYLES", "Sizes", "sizes_of"]


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Lengths in inches, everything else in points.

    Attributes:
        one, many: width of a figure with one panel in a row, and with several.
        least: width of a panel below which the figure grows wider.
        height: of a panel.
        font: size of labels; titles are a tenth larger, notes and ticks a tenth smaller.
        line: width of a curve.
        marker: size of a marker.
        label: width that a label at a line's end may have before it is broken, in inches.
        dpi: pixels an inch, in PNG.
    """

    one: float
    many: float
    least: float
    height: float
    font: float
    line: float
    marker: float
    label: float
    dpi: int


STYLES = {
    "paper": Sizes(one=3.4, many=7.0, least=2.2, height=2.0, font=7, line=1.1, marker=3.2, label=0.85, dpi=300),
    "talk": Sizes(one=13.3, many=13.3, least=5.0, height=5.2, font=17, line=2.8, marker=8, label=2.4, dpi=100),
    "notebook": Sizes(one=6.4, many=10.8, least=3.4, height=3.6, font=9, line=1.6, marker=4.5, label=1.2, dpi=130),
}
"""Style → sizes: a column (or, for several panels, the width) of a paper; a slide; a notebook or screen."""


def sizes_of(style: str) -> Sizes:
    """The sizes of a style. ValueError, with the styles there are, for another name."""
    if style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}, got {style!r}{nearest(style, STYLES)}")
    return STYLES[style]
