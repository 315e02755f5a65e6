"""Figures that look the same whatever matplotlib is set to; importing this module needs the extra `icl-data[plot]`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib import style
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure


class OwnFigure(Figure):
    """Belongs to no window, and is drawn and saved in matplotlib's own style; make and fill it in that, too.

    Parts of a figure, its ticks among them, are made when it is drawn and take the settings of that moment.
    """

    def draw(self, renderer: RendererBase) -> None:
        """As its base."""
        with own_style():
            super().draw(renderer)

    def savefig(self, *args: Any, **options: Any) -> None:
        """As its base."""
        with own_style():
            super().savefig(*args, **options)


@contextmanager
def own_style() -> Iterator[None]:
    """matplotlib's own settings; afterwards the user's are what they were."""
    with style.context("default"):
        yield
