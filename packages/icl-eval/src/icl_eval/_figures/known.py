"""Which figures there are: this package's own, and those of installed plugins."""

from __future__ import annotations

import icl_models
from icl_eval._figures.builtin import FIGURES
from icl_models import FigureSpec

__all__ = ["FIGURES", "figure_called", "figure_names"]


def figure_names() -> list[str]:
    """Names of all figures, the package's own first.

    Raises:
        PluginError: if two plugins claim one name.
    """
    return list(dict.fromkeys([*FIGURES, *icl_models.known_figures()]))


def figure_called(name: str) -> FigureSpec:
    """The figure of that name; for the package's own no plugin is asked.

    Raises:
        ValueError: if there is none, with the names there are.
    """
    return FIGURES[name] if name in FIGURES else icl_models.find_figure(name)
