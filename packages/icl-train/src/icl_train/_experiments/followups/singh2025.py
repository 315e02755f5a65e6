"""Singh et al. 2025: in-context learning that a strategy in the weights takes over from."""

from __future__ import annotations

from icl_models import ExperimentSpec, Scale

__all__ = ["SINGH2025"]

SINGH2025 = ExperimentSpec(
    name="singh2025-coopetition",
    paper="Singh et al. 2025, Strategy coopetition explains the emergence and transience of in-context learning "
    "(arXiv 2503.05631)",
    section="figure 1: in-context learning, exchanged labels, and in-weights learning with its label in the context",
    tests="In-context learning comes first and goes again, as in-weights learning in the context takes over.",
    axes=(),
    scales={
        "paper": Scale(preset="singh2025"),
        "laptop": Scale(preset="singh2025"),
    },
    claims=(),
    figures=("singh2025-coopetition",),
)
