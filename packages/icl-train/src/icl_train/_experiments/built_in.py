"""The hook by which the built-in experiments are known, as a plugin's are."""

from __future__ import annotations

from icl_models import ExperimentSpec, hookimpl
from icl_train._experiments.chan2022.figure2 import FIGURE2
from icl_train._experiments.chan2022.figure3 import FIGURE3
from icl_train._experiments.chan2022.figure3_adamw import FIGURE3_ADAMW
from icl_train._experiments.chan2022.figure4 import FIGURE4
from icl_train._experiments.chan2022.figure5 import FIGURE5
from icl_train._experiments.chan2022.figure6 import FIGURE6
from icl_train._experiments.chan2022.figure7 import FIGURE7
from icl_train._experiments.chan2022.tradeoff import TRADEOFF
from icl_train._experiments.followups.reddy2023 import PHASES, REDDY2023
from icl_train._experiments.followups.singh2023 import SINGH2023
from icl_train._experiments.followups.singh2024 import SINGH2024
from icl_train._experiments.followups.singh2025 import SINGH2025

__all__ = ["icl_register_experiments"]


@hookimpl
def icl_register_experiments() -> list[ExperimentSpec]:
    """Those of Chan et al. 2022, and of the papers that came after."""
    chan2022 = [FIGURE2, FIGURE3, FIGURE3_ADAMW, FIGURE4, FIGURE5, FIGURE6, FIGURE7, TRADEOFF]
    return [*chan2022, REDDY2023, PHASES, SINGH2023, SINGH2024, SINGH2025]
