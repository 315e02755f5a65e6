"""What runs of a few classes draw, in training and in evaluations."""

from dataclasses import replace

import numpy as np

from icl_train import DataConfig, EvalConfig, smoke
from icl_train._evaluating.data import EvaluationData
from icl_train._evaluations.built_in import BUILT_IN
from icl_train._run_data import RunData

BASE = DataConfig(source="gaussian", dim=4, n_rare_classes=30, n_common_classes=10, n_holdout_classes=5)
LABEL_SETS = {"sequence": "fewshot_rare", "fs_labeling": "novel", "n_labels": 5, "heldout_label_sets": 2}


def batches(n=40, *, eval=None, **settings):
    """The first training sequences: (class position, exemplar, label), each (N, L)."""
    config = replace(smoke(), data=replace(BASE, **settings), eval=eval or EvalConfig())
    sampler = RunData.build(config).training_sampler()
    drawn = [sampler(step) for step in range(n)]
    return tuple(
        np.concatenate([getattr(batch, name) for batch in drawn]) for name in ("class_index", "exemplar_index", "label")
    )


def evaluation_sampler(config, name):
    return EvaluationData.of(RunData.build(config), BUILT_IN[name], protocol="paper").sampler
