"""Whether a run can be made: everything that it needs is built before anything is written."""

from __future__ import annotations

import torch

from icl_train._making.initial import find_initial_weights
from icl_train._runs.checkpoint import check_weights_fit
from icl_train._task import Task, resolve_device
from icl_train.config import RunConfig
from icl_train.evaluation import Evaluator

__all__ = ["check_model", "device_of"]


def check_model(config: RunConfig) -> None:
    """Build what trains, try it on a sequence, and draw an evaluation.

    Raises:
        ValueError: for a device, model, initial weights or evaluation that cannot be had.
    """
    resolve_device(config.train.device)
    # On the CPU: the process that checks is not the one that trains, and should hold none of a GPU's memory.
    task = Task.build(config, device=torch.device("cpu"))
    sampler, model = task.training_sampler(), task.build_model()
    if config.train.init_from is not None:
        check_weights_fit(find_initial_weights(config.train.init_from).file, model, "train.init_from")
    labels = torch.from_numpy(sampler(1).label[:1]).long()
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        # Whatever the examples are, the sequences must not be too long for the model.
        model.from_embeddings(torch.zeros(*labels.shape, model.config.emb_dim), labels)
    Evaluator(task, batches=1, protocol=config.eval.protocol)


def device_of(config: RunConfig) -> str:
    """The device that the run is to be trained on, as config.json names it."""
    return str(resolve_device(config.train.device))
