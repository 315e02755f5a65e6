"""Whether a run can be made: everything that it needs is built before anything is written."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from icl_models import InContextModel, summarize
from icl_train._memory import Need, batch_need, machine_memory, refuse, refuse_beyond_memory
from icl_train._run_data import RunData
from icl_train._task import Task, autocast, resolve_device
from icl_train.config import Precision, RunConfig
from icl_train.evaluation import Evaluator

__all__ = ["check_model", "device_of"]

# A residual net at 105 x 105 keeps 60 times its images; a batch that is further than this from filling the memory fits.
_MOST_ACTIVATIONS = 256
# What autograd keeps is counted in float32 and at all positions; a run may keep a little less.
_SURE = 0.75


def check_model(config: RunConfig) -> None:
    """Build what trains, try it on a sequence, and draw an evaluation.

    Raises:
        ValueError: for a device, model or evaluation that cannot be had, or a batch that cannot fit into its memory.
    """
    device = resolve_device(config.train.device)
    data = RunData.build(config)
    _check_memory(data, _memory_of(device))
    # On the CPU: the process that checks is not the one that trains, and should hold none of a GPU's memory.
    task = Task.on(data, device=torch.device("cpu"))
    model, batch = task.build_model(), task.training_sampler()(1)[:1]
    labels = torch.from_numpy(batch.label).long()
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        # Whatever the examples are, the sequences must not be too long for the model.
        model.from_embeddings(torch.zeros(*labels.shape, model.config.emb_dim), labels)
        if config.train.precision != "float32" and device.type == "cpu":
            _try_precision(model, task.bank(batch, seed=0, step=1), labels, config.train.precision)
    Evaluator(task, batches=1, protocol=config.eval.protocol)


def _try_precision(model: InContextModel, examples: Tensor, labels: Tensor, precision: Precision) -> None:
    """Raise ValueError if a part of the model does not run under autocast."""
    try:
        for training in (True, False):
            model.train(training)
            with autocast(precision, examples.device):
                model(examples, labels)
    except RuntimeError as error:
        raise ValueError(
            f"train.precision must be float32 for a model that autocast does not run, got {precision}: {error}"
        ) from error


def device_of(config: RunConfig) -> str:
    """The device that the run is to be trained on, as config.json names it."""
    return str(resolve_device(config.train.device))


def _memory_of(device: torch.device) -> int | None:
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return machine_memory()


def _check_memory(data: RunData, memory: int | None) -> None:
    """Refuse a batch whose activations are larger than all memory, told from two small batches."""
    if memory is None:
        return
    config = data.config
    numbers = math.prod(data.example_shape)
    refuse_beyond_memory(config, numbers_per_example=numbers, device=memory)
    least = batch_need(config, numbers_per_example=numbers)
    if least.size * _MOST_ACTIVATIONS < memory:
        return
    length = config.data.training_kind().seq_len
    try:
        one, two = (summarize(data.model_config(), batch_size=size, seq_len=length).activation_bytes for size in (1, 2))
    except ValueError:  # a component that cannot be asked without being run
        return
    sure = _SURE / 2 if config.train.precision == "bf16" else _SURE
    size = int(sure * (one + (two - one) * (config.train.batch_size - 1)))
    refuse(Need(setting=least.setting, what="keeping a batch's activations", size=size, on_device=True), memory)
