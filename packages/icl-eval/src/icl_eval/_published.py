"""Values of Chan et al. 2022 (arXiv 2205.05055), read off the published plots to about ±0.02."""

from __future__ import annotations

from icl_train import RunConfig

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


def published(figure: str, config: RunConfig) -> tuple[tuple[int, float], ...]:
    """The paper's (step, accuracy) points for a run's class count; none unless the run is of the paper's experiment.

    Args:
        figure: ``figure3a`` or ``figure3b``.
        config: of the run: Omniglot, full variation, a label per class, p(bursty) 0.9, uniform classes, batches of 32.
    """
    data = config.data
    as_published = (
        data.source == "omniglot"
        and data.exemplars == "all"
        and data.sequence == "bursty"
        and data.n_labels is None
        and data.labeling_rare == "ordered"
        and data.p_bursty == 0.9
        and data.zipf_exponent == 0.0
        and not data.noise_scale
        and not data.downsample
        and config.train.batch_size == 32
        and config.model.sequence_model == "transformer"
        and config.model.num_layers == 12
    )
    return _VALUES[figure].get(data.n_trained_classes, ()) if as_published else ()
