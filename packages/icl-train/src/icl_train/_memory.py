"""Whether a run fits into this machine's memory, told from its settings before anything is made.

What is counted is less than a run takes, so that none is refused that could run: a batch of ten million sequences is,
and a layer of a billion units.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from icl_data.foundation.machine_memory import machine_memory, readable_bytes
from icl_models import least_layer_bytes, least_layer_numbers
from icl_train._computing.launch import share_of
from icl_train.config import RunConfig

__all__ = [
    "Need",
    "batch_need",
    "needs",
    "refuse",
    "refuse_beyond_memory",
    "refuse_drawing",
    "refuse_evaluation",
    "refuse_model",
]

LARGEST_ACCELERATOR = 2**40
"""Bytes that no single GPU has yet: what a run on one is held against where PyTorch cannot be asked."""

_NUMBER, _INDEX = 4, 4  # bytes of a float32, of an index
_SAMPLER_BLOCK = 1024  # sequences that are drawn at once


@dataclass(frozen=True, kw_only=True)
class Need:
    """Memory that something takes at least.

    Attributes:
        setting: the settings that decide it, with their values.
        what: what takes it.
        size: bytes.
        on_device: whether it is the training device's memory, else the machine's.
    """

    setting: str
    what: str
    size: int
    on_device: bool


def refuse_beyond_memory(
    config: RunConfig, *, numbers_per_example: int | None = None, device: int | None = None
) -> None:
    """Raise ValueError if something that a run needs is larger than all memory there is.

    Args:
        config: the run's settings.
        numbers_per_example: what an example consists of, where the source has been opened.
        device: bytes of the training device; None if PyTorch has not been asked.
    """
    for need in needs(config, numbers_per_example):
        _refuse_here(need, config, device)


def refuse_model(config: RunConfig) -> None:
    """Raise ValueError if the classes and the weights alone, without any training, are larger than all memory."""
    for need in (*_classes_need(config), _model_need(config, copies=1)):
        _refuse_here(need, config)


def refuse_evaluation(config: RunConfig, sequences: int) -> None:
    """Raise ValueError if an evaluation of so many sequences is larger than all memory."""
    _refuse_here(_evaluation_need(config, sequences, f"{sequences:,} sequences in an evaluation"), config)


def refuse_drawing(evaluation: str, length: int) -> None:
    """Raise ValueError if what is drawn at once of an evaluation's sequences is larger than the machine's memory.

    Args:
        evaluation: its name.
        length: examples in a sequence.
    """
    need = Need(
        setting=f"evaluation {evaluation} with sequences of {length:,}",
        what="drawing them",
        size=_SAMPLER_BLOCK * length * 4 * _INDEX,
        on_device=False,
    )
    if (memory := machine_memory()) is not None:
        refuse(need, memory)


def _refuse_here(need: Need, config: RunConfig, device: int | None = None) -> None:
    host = machine_memory()
    if need.on_device and device is None and host is not None:
        on_host = config.train.device == "cpu" or (config.train.device == "auto" and not _may_have_gpu())
        device = host if on_host else max(host, LARGEST_ACCELERATOR)
    memory = device if need.on_device else host
    if memory is not None:
        refuse(need, memory)


def refuse(need: Need, memory: int) -> None:
    """Raise ValueError if a need is larger than ``memory`` bytes."""
    if need.size > memory:
        raise ValueError(
            f"a run must fit into memory, got {need.setting}: {need.what} needs at least {readable_bytes(need.size)}, "
            f"and there are {readable_bytes(memory)} in all"
        )


def needs(config: RunConfig, numbers_per_example: int | None = None) -> Iterator[Need]:
    """What a run is sure to take; of a source that has not been opened only what its settings say."""
    train, dim = config.train, _dim(config)
    yield from _classes_need(config)
    yield _model_need(config, copies=_copies(config))
    yield Need(
        setting=f"train.batch_size {train.batch_size:,} and sequences of {_length(config):,}",
        what="drawing a batch",
        size=max(train.batch_size, _SAMPLER_BLOCK) * _length(config) * 4 * _INDEX,
        on_device=False,
    )
    yield batch_need(config, numbers_per_example=dim if numbers_per_example is None else numbers_per_example)
    sequences = config.eval.batches * train.batch_size
    setting = f"eval.batches {config.eval.batches:,} of {train.batch_size:,} sequences"
    yield _evaluation_need(config, sequences, setting)


def _classes_need(config: RunConfig) -> Iterator[Need]:
    """The vectors of a generated source as they are drawn, and the split's order, keys and weights."""
    data, dim = config.data, _dim(config)
    n_classes = data.n_trained_classes + data.n_holdout_classes
    if data.source in ("symbolic", "gaussian"):
        exemplars = data.n_exemplars or 0
        parts = [f"{n_classes:,} classes", *([f"data.dim {dim:,}"] if dim else [])]
        yield Need(
            setting=" and ".join([*parts, *([f"data.n_exemplars {exemplars:,}"] if exemplars else [])]),
            what="the table of examples" if exemplars else "the table of classes",
            size=n_classes * (12 * dim + 24 + 8 * dim * exemplars),
            on_device=False,
        )


def _model_need(config: RunConfig, *, copies: int) -> Need:
    model, labels = config.model, _labels(config)
    return Need(
        setting=f"{labels:,} labels, model.emb_dim {model.emb_dim:,} and model.num_layers {model.num_layers:,}",
        what="the model, with its gradient and the optimiser's state," if copies > 1 else "the model",
        size=copies * _NUMBER * (labels * model.emb_dim + least_layer_numbers(model)) + least_layer_bytes(model),
        on_device=True,
    )


def _evaluation_need(config: RunConfig, sequences: int, setting: str) -> Need:
    data = config.data
    lengths = 3 * (data.fs_shots * data.ways + 1) + data.seq_len
    return Need(
        setting=setting,
        what="an evaluation",
        size=sequences * (lengths * 6 * _INDEX + _labels(config) * _NUMBER),
        on_device=True,
    )


def batch_need(config: RunConfig, *, numbers_per_example: int) -> Need:
    """What a training device needs for one batch: examples, tokens of each layer, logits and their gradient. Of several
    processes each has its share."""
    model, train = config.model, config.train
    length = _length(config)
    tokens = length if model.concatenate_labels else 2 * length - 1
    width = model.emb_dim * (2 if model.concatenate_labels else 1)
    labels = _labels(config)
    layers = model.num_layers if least_layer_bytes(model) else 0  # a plugin's may keep nothing
    activation = 2 if train.precision == "bf16" else _NUMBER
    answers = length if config.optim.w_interim_predictions else 1
    sequence = (
        length * numbers_per_example * _NUMBER + layers * tokens * width * activation + 2 * answers * labels * _NUMBER
    )
    return Need(
        setting=f"train.batch_size {train.batch_size:,}",
        what=f"a batch of sequences of {length:,}",
        size=share_of(train.batch_size) * sequence,
        on_device=True,
    )


def _may_have_gpu() -> bool:
    """Whether the system shows a GPU's driver; none of these files, no GPU that PyTorch could use."""
    return any(Path(name).exists() for name in ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd"))


def _dim(config: RunConfig) -> int:
    """Numbers in a vector of the Gaussian source; 0 of others."""
    data = config.data
    return (63 if data.dim is None else data.dim) if data.source == "gaussian" else 0


def _length(config: RunConfig) -> int:
    return config.data.training_kind().seq_len


def _labels(config: RunConfig) -> int:
    return config.data.n_labels or config.data.n_trained_classes * config.data.multiplicity


def _copies(config: RunConfig) -> int:
    """Numbers that are kept for each weight: itself, its gradient, and what the optimiser remembers."""
    if config.optim.optimizer == "sgd":
        return 3 if config.optim.momentum else 2
    return 4
