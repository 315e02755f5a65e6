"""The mistakes in a run's settings that show without PyTorch."""

from __future__ import annotations

from icl_models import find_tracker
from icl_train._run_data import RunData
from icl_train._runs.headlines import TRAINING_SPLITS, sequence_type_of
from icl_train.config import RunConfig

__all__ = ["check_settings"]


def check_settings(config: RunConfig) -> None:
    """Open what a run's sequences are drawn from, and let the model's components and the tracker see their settings.

    Raises:
        ValueError: for a source, class split, kind of sequence, component or tracker that cannot be had.
    """
    if config.train.tracker is not None:
        find_tracker(config.train.tracker).check(config.train.tracker_config)
    data = RunData.build(config)
    data.training_sampler()
    for split in TRAINING_SPLITS:
        kind = config.data.sequence_kind(sequence_type_of(split))
        data.sampler(kind, stream=f"eval_{split}", protocol=config.eval.protocol)
    data.model_config()
