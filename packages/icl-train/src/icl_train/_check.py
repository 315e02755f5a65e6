"""Whether a run can be made: everything that it needs is built before anything is written."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from icl_data import SequenceBatch
from icl_data.foundation.machine_memory import machine_memory
from icl_data.foundation.paths import describe
from icl_models import InContextModel
from icl_train._computing.device import resolve_device
from icl_train._computing.launch import share_of
from icl_train._computing.saved import saved_bytes
from icl_train._engines.choose import engine_for
from icl_train._intact.weights import check_weights_fit
from icl_train._intervening.interventions import Interventions
from icl_train._intervening.others import load_others
from icl_train._making.initial import find_initial_weights
from icl_train._making.others import find_other
from icl_train._memory import batch_need, refuse, refuse_beyond_memory
from icl_train._run_data import RunData
from icl_train._task import Task, example_logits, intervened_logits
from icl_train.config import RunConfig
from icl_train.evaluation import Evaluator

__all__ = ["check_model", "device_of"]

# A residual net at 105 x 105 keeps 60 times its images; a batch that is further than this from filling the memory fits.
_MOST_KEPT = 256
# What autograd keeps is measured on the CPU in a few sequences, and a GPU's kernels may keep a little less.
_SURE, _FEW = 0.75, 8


def check_model(config: RunConfig) -> None:
    """Build what trains, try it on a sequence or two, and draw an evaluation.

    Raises:
        ValueError: for a device, model, initial weights or evaluation that cannot be had, or a batch that cannot fit
            into its memory.
    """
    device = resolve_device(config.train.device)
    engine_for(config, device)
    if config.train.precision == "tf32" and device.type != "cuda":
        raise ValueError(f"train.precision must be one of float32, bf16 on a {device.type}, got tf32")
    data = RunData.build(config)
    memory = _memory_of(device)
    refuse_beyond_memory(config, numbers_per_example=math.prod(data.example_shape), device=memory)
    # On the CPU: the process that checks is not the one that trains, and should hold none of a GPU's memory.
    task = Task.on(data, device=torch.device("cpu"))
    model, batch = task.build_model(), task.training_sampler()(1)
    if config.train.init_from is not None:
        initial = find_initial_weights(config.train.init_from)
        check_weights_fit(initial.content, model, "train.init_from", str(initial.file))
    labels = torch.from_numpy(batch.label[:1]).long()
    with torch.random.fork_rng(devices=[]):
        with torch.no_grad():
            # Whatever the examples are, the sequences must not be too long for the model.
            model.from_embeddings(torch.zeros(*labels.shape, model.config.emb_dim), labels)
        if config.train.precision == "bf16" and device.type == "cpu":
            _try_precision(task, model, batch)
        if memory is not None:
            _check_activations(task, model, batch[: share_of(len(batch))], memory, on_cpu=device.type == "cpu")
    evaluator = Evaluator(task, batches=1, protocol=config.eval.protocol)
    evaluator.check_lengths(model)
    if config.model.interventions:
        _check_interventions(task, model, batch, evaluator)


def _check_interventions(task: Task, model: InContextModel, batch: SequenceBatch, evaluator: Evaluator) -> None:
    """Try a few sequences under all interventions that act together, in training and in each evaluation."""
    named = task.config.model.intervened
    config = replace(task.config, train=replace(task.config.train, precision="float32"))  # which every CPU runs
    model.eval()  # no dropout, and no statistics over too few sequences
    try:
        others = load_others(named, find=find_other, model=model, device=torch.device("cpu"))
        with Interventions(model, named, others) as interventions, torch.random.fork_rng(devices=[]):
            for step in interventions.changes(task.config.train.max_steps):
                acting = interventions.at(step)
                examples, labels = _tensors(task, batch[:2])
                logits = intervened_logits(model, acting, examples, labels, config)
                if not logits.requires_grad:
                    raise ValueError(f"they must leave something to train, got nothing in update {step}")
                evaluator.check_lengths(model, acting)
    except (ValueError, OSError) as error:
        told = describe(error) if isinstance(error, OSError) else str(error)
        raise ValueError(told if told.startswith("model.interventions") else f"model.interventions: {told}") from error


def device_of(config: RunConfig) -> str:
    """The device that the run is to be trained on, as config.json names it."""
    return str(resolve_device(config.train.device))


def _memory_of(device: torch.device) -> int | None:
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return machine_memory()


def _try_precision(task: Task, model: InContextModel, batch: SequenceBatch) -> None:
    """Raise ValueError if a part of the model does not run in the run's precision, in training or evaluation."""
    try:
        for training, some in ((False, batch[:1]), (True, batch)):
            model.train(training)
            with torch.no_grad():
                example_logits(model, *_tensors(task, some), task.config)
    except RuntimeError as error:
        precision = task.config.train.precision
        raise ValueError(
            f"train.precision must be float32 for a model that autocast does not run, got {precision}: {error}"
        ) from error


def _check_activations(task: Task, model: InContextModel, batch: SequenceBatch, memory: int, *, on_cpu: bool) -> None:
    """Refuse a batch whose activations are larger than all memory, told from a few of its sequences."""
    config = task.config
    least = batch_need(config, numbers_per_example=math.prod(task.data.example_shape))
    if least.size * _MOST_KEPT < memory or len(batch) < _FEW:
        return
    sure = _SURE
    if not on_cpu and config.train.precision == "bf16":  # which this CPU may not run: half of float32's bytes
        config, sure = replace(config, train=replace(config.train, precision="float32")), _SURE / 2
    try:
        half, whole = (kept_bytes(task, model, batch[:size], config) for size in (_FEW // 2, _FEW))
    except ValueError:  # a model that normalises by larger groups of sequences
        return
    size = half + (whole - half) / (_FEW - _FEW // 2) * (len(batch) - _FEW // 2)
    refuse(replace(least, what="keeping a batch's activations", size=int(sure * size)), memory)


def kept_bytes(task: Task, model: InContextModel, batch: SequenceBatch, config: RunConfig) -> int:
    """Bytes that a forward pass in training keeps for its backward pass, without the weights."""
    model.train()
    return saved_bytes(model, lambda: example_logits(model, *_tensors(task, batch), config))


def _tensors(task: Task, batch: SequenceBatch) -> tuple[Tensor, Tensor]:
    """Examples and labels."""
    examples = task.bank(batch, seed=task.config.seeds.data, step=1)
    return examples, torch.from_numpy(batch.label).long()
