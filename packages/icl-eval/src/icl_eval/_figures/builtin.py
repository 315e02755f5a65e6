"""The figures of this package, registered as a plugin would register its own."""

from __future__ import annotations

from icl_eval._figures.figure2 import FIGURE2
from icl_eval._figures.figure3 import FIGURE3, FIGURE3A, FIGURE3B
from icl_eval._figures.figure3_adamw import FIGURE3_ADAMW
from icl_eval._figures.figure4 import FIGURE4
from icl_eval._figures.figure5 import FIGURE5
from icl_eval._figures.figure6 import FIGURE6
from icl_eval._figures.figure7 import FIGURE7
from icl_eval._figures.tradeoff import TRADEOFF
from icl_eval._figures.transience import TRANSIENCE
from icl_models import FigureSpec, hookimpl

__all__ = ["FIGURES", "FigureSpec", "icl_register_figures"]

_ALL = (
    FIGURE2,
    FIGURE3,
    FIGURE3A,
    FIGURE3B,
    FIGURE3_ADAMW,
    FIGURE4,
    FIGURE5,
    FIGURE6,
    FIGURE7,
    TRANSIENCE,
    TRADEOFF,
)

FIGURES: dict[str, FigureSpec] = {spec.name: spec for spec in _ALL}
"""Name → figure, of those that come with this package."""


@hookimpl
def icl_register_figures() -> list[FigureSpec]:
    return list(FIGURES.values())
