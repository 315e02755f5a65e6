"""Values of Chan et al. 2022 (arXiv 2205.05055), read off the published plots to about ±0.02."""

from __future__ import annotations

from icl_train import RunConfig, chan2022
from icl_train.config import NEUTRAL_SETTINGS

__all__ = ["PUBLISHED_STEPS", "published"]

PUBLISHED_STEPS = 500_000
"""Steps of 32 sequences that the paper trains for."""

_VALUES: dict[str, dict[int, tuple[tuple[int, float], ...]]] = {
    "figure3a": {
        100: ((50_000, 0.50), (500_000, 0.50)),
        1600: ((50_000, 0.75), (70_000, 0.78), (500_000, 0.66)),
        12800: ((50_000, 0.55), (80_000, 0.70), (500_000, 0.93)),
    },
    "figure3b": {
        100: ((500_000, 0.99),),
        1600: ((50_000, 0.01), (500_000, 0.26)),
        12800: ((500_000, 0.00),),
    },
}


# Settings in which a run may differ from the preset and still be the paper's experiment.
_FREE = {
    *NEUTRAL_SETTINGS,
    *(f"data.{name}" for name in ("augment", "n_rare_classes", "n_common_classes", "n_holdout_classes", "protocol")),
    "train.max_steps",
    *(f"eval.{name}" for name in ("interval", "batches", "protocol")),
    *(f"seeds.{name}" for name in ("split", "init", "data")),
}


def published(figure: str, config: RunConfig) -> tuple[tuple[int, float], ...]:
    """The paper's (step, accuracy) points for a run's class count; none unless the run is of the paper's experiment.

    Args:
        figure: ``figure3a`` or ``figure3b``.
        config: of the run; it must be the preset chan2022 in all but class counts, seeds, length and bookkeeping.
    """
    count = config.data.n_trained_classes
    paper, run = (one.flat() for one in (chan2022(), config))
    differing = {name for name in run if run[name] != paper.get(name)}
    # The paper reaches 12,800 classes by augmentation, and the fewer ones without.
    if not differing <= _FREE or config.data.augment != (count == 12_800):
        return ()
    return _VALUES[figure].get(count, ())
