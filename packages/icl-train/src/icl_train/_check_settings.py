"""The mistakes in a run's settings that show without PyTorch."""

from __future__ import annotations

import math

from icl_models import find_tracker
from icl_train._distributed.shares import check_shares
from icl_train._evaluating.data import EvaluationData
from icl_train._memory import refuse_beyond_memory
from icl_train._run_data import RunData
from icl_train.config import RunConfig

__all__ = ["check_settings"]


def check_settings(config: RunConfig) -> None:
    """Open what a run's sequences are drawn from, and let the model's components and the tracker see their settings.

    Raises:
        ValueError: for a source, class split, kind of sequence, component or tracker that cannot be had, sizes that no
            memory of this machine could hold, or a batch that the processes there are cannot share out.
    """
    check_shares(config)
    if config.train.tracker is not None:
        find_tracker(config.train.tracker).check(config.train.tracker_config)
    refuse_beyond_memory(config)
    data = RunData.build(config)
    refuse_beyond_memory(config, numbers_per_example=math.prod(data.example_shape))
    data.training_sampler()
    for evaluation in config.eval.measured:
        EvaluationData.of(data, evaluation, protocol=config.eval.protocol)
    data.model_config()
