"""Singh et al. 2025: in-context learning that a strategy in the weights takes over from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from icl_models import Claim, ExperimentSpec, Scale

__all__ = ["LAPTOP", "LAPTOP_NOTE", "SINGH2025"]

# In-context learning comes first where what it copies is simple (few dimensions, 16 labels) and the classes are too
# many for attention alone to keep in its weights; it goes where looking does not settle the matter (exemplars as far
# from their class as classes from each other) and an MLP can keep the exemplars, slowly. results/followups has the
# search.
LAPTOP: Mapping[str, Any] = {
    "data.dim": 8,
    "data.noise_scale": 1.0,
    "data.n_exemplars": 3,
    "data.n_rare_classes": 502,
    "data.n_labels": 16,
    "model.sequence_model_config.mlp_layers": [1],
    "optim.max_lr": 1e-3,
    "train.max_steps": 40_000,
    "train.checkpoint_interval": 2000,
    "eval.interval": 1000,
    "eval.batches": 64,
}
LAPTOP_NOTE = "512 classes of 3 exemplars in 8 dimensions that share 16 labels; an MLP in layer 2; rate 1e-3."


def _claim(says: str, measure: str, **more: Any) -> Claim:
    return Claim(says=says, measure=measure, where={}, scales=("laptop",), **more)


SINGH2025 = ExperimentSpec(
    name="singh2025-coopetition",
    paper="Singh et al. 2025, Strategy coopetition explains the emergence and transience of in-context learning "
    "(arXiv 2503.05631)",
    section="figure 1: in-context learning, exchanged labels, and in-weights learning with its label in the context",
    tests="In-context learning comes first and goes again, as in-weights learning in the context takes over.",
    axes=(),
    scales={
        "paper": Scale(preset="singh2025", note="Gaussian vectors in place of the features of its image network."),
        "laptop": Scale(
            preset="singh2025",
            settings=LAPTOP,
            seeds=(0, 1, 2),
            note=LAPTOP_NOTE,
        ),
    },
    claims=(
        _claim("In-context learning comes,", "fewshot_zipfian", at="peak", above=0.75),
        _claim("early,", "fewshot_zipfian", at="peak_step", below=15_000),
        _claim("and goes again.", "fewshot_zipfian", at="fall", above=0.1),
        _claim("Exchanged labels are answered,", "flip", at="peak", above=0.65),
        _claim("and then no more.", "flip", below=0.35),
        _claim("At first the weights do not know which label in the context is right,", "ciwl", at=5000, below=0.65),
        _claim("and in the end they do.", "ciwl", above=0.8),
        _claim("Without its label in the context they know less of a class.", "no_support_zipfian", below=0.5),
    ),
    figures=("singh2025-coopetition",),
)
