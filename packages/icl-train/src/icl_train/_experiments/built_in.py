"""The hook by which the built-in experiments are known, as a plugin's are."""

from __future__ import annotations

from icl_models import ExperimentSpec, hookimpl
from icl_train._experiments.figure2 import FIGURE2
from icl_train._experiments.figure3 import FIGURE3
from icl_train._experiments.figure3_adamw import FIGURE3_ADAMW
from icl_train._experiments.figure4 import FIGURE4
from icl_train._experiments.figure5 import FIGURE5
from icl_train._experiments.figure6 import FIGURE6
from icl_train._experiments.figure7 import FIGURE7
from icl_train._experiments.tradeoff import TRADEOFF
from icl_train._experiments.transience import TRANSIENCE

__all__ = ["icl_register_experiments"]


@hookimpl
def icl_register_experiments() -> list[ExperimentSpec]:
    """Those of Chan et al. 2022, and what later papers asked of the same runs."""
    return [FIGURE2, FIGURE3, FIGURE3_ADAMW, FIGURE4, FIGURE5, FIGURE6, FIGURE7, TRANSIENCE, TRADEOFF]
