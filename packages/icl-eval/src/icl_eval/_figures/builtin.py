"""The figures of this package, registered as a plugin would register its own."""

from __future__ import annotations

from icl_eval._figures.chan2022.figure2 import FIGURE2
from icl_eval._figures.chan2022.figure3 import FIGURE3, FIGURE3A, FIGURE3B
from icl_eval._figures.chan2022.figure3_adamw import FIGURE3_ADAMW
from icl_eval._figures.chan2022.figure4 import FIGURE4
from icl_eval._figures.chan2022.figure5 import FIGURE5
from icl_eval._figures.chan2022.figure6 import FIGURE6
from icl_eval._figures.chan2022.figure7 import FIGURE7
from icl_eval._figures.chan2022.tradeoff import TRADEOFF
from icl_eval._figures.followups.reddy2023 import REDDY
from icl_eval._figures.followups.reddy2023_phases import PHASES
from icl_eval._figures.followups.singh2024 import INDUCTION
from icl_eval._figures.followups.singh2025 import COOPETITION
from icl_eval._figures.followups.transience import TRANSIENCE
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
    TRADEOFF,
    TRANSIENCE,
    REDDY,
    PHASES,
    INDUCTION,
    COOPETITION,
)

FIGURES: dict[str, FigureSpec] = {spec.name: spec for spec in _ALL}
"""Name → figure, of those that come with this package."""


@hookimpl
def icl_register_figures() -> list[FigureSpec]:
    return list(FIGURES.values())
