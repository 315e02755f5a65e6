"""How large a model is, what a sequence costs, and what training keeps in memory; nothing is computed for it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from icl_models._config import ModelConfig
from icl_models._least_size import least_bytes
from icl_models._model import InContextModel, count_parameters

_MOST_LAYERS = 10_000  # of which each takes time, and 0.4 MB

_UNCOUNTABLE = 2**62  # bytes of one tensor, which have signs


@dataclass(frozen=True, kw_only=True)
class PartSummary:
    """One part of a model.

    Attributes:
        name: as in the state dict, e.g. "sequence_model.blocks.0.attention".
        parameters: numbers that an optimiser would train, those of the parts inside included.
        flops: floating-point operations of one sequence's forward pass, those of the parts inside included.
    """

    name: str
    parameters: int
    flops: int


@dataclass(frozen=True, kw_only=True)
class ModelSummary:
    """What `summarize` found.

    Attributes:
        config: the model's configuration.
        seq_len: examples of a sequence, the query included.
        batch_size: sequences of a batch.
        parts: embedder, label table, positions, the sequence model with its layers and their parts, readout.
        parameters: numbers that an optimiser would train.
        flops_forward: floating-point operations of one sequence's forward pass.
        flops_training: the same with its backward pass.
        activation_bytes: bytes that the forward pass of a batch keeps for its backward pass.
    """

    config: ModelConfig
    seq_len: int
    batch_size: int
    parts: tuple[PartSummary, ...]
    parameters: int
    flops_forward: int
    flops_training: int
    activation_bytes: int


def summarize(config: ModelConfig, *, batch_size: int = 32, seq_len: int = 9) -> ModelSummary:
    """Count the parameters, operations and activation memory of a model in training, without computing anything.

    Operations are those that torch's `FlopCounterMode` counts: two for every multiply-add of matrix products,
    convolutions and attention (over all pairs of tokens: nothing is taken off for the causal mask). Look-ups,
    normalisation and work by element, such as Mamba's scan, are not counted. Logits are computed at all positions.

    Activation memory is that of all tensors which autograd saves, each storage once, in float32 and as torch's own CPU
    kernels save them (attention fused); parameters and buffers are left out, the batch itself counts where it is saved.

    Args:
        config: see `ModelConfig`.
        batch_size: sequences of the batch, for the activation memory.
        seq_len: examples of a sequence, the query included.

    Raises:
        ValueError: for a size below 1, more than 10,000 layers, sizes that no number of bytes can count, a batch that
            the config's `sequences_per_statistics` does not divide, or a component that looks at values, which torch's
            meta device does not have.
    """
    for name, size in (("batch_size", batch_size), ("seq_len", seq_len)):
        if size < 1:
            raise ValueError(f"{name} must be at least 1, got {size}")
    if config.num_layers > _MOST_LAYERS:
        raise ValueError(f"num_layers must be at most {_MOST_LAYERS:,} to be summarized, got {config.num_layers:,}")
    needed, settings = least_bytes(config)
    if needed >= _UNCOUNTABLE:
        raise ValueError(f"a model must have less than 2**62 bytes to be summarized, got {settings}")
    try:
        return _summarize(config, batch_size, seq_len)
    except RuntimeError as error:
        raise ValueError(f"a model must run on the meta device to be summarized, got {error}") from error


def _summarize(config: ModelConfig, batch_size: int, seq_len: int) -> ModelSummary:
    with torch.device("meta"):
        model = InContextModel(config)
        with FlopCounterMode(display=False) as counter:
            logits = model(*_batch(config, batch_size, seq_len))  # a whole one, which a component may ask for
            forward = counter.get_total_flops()
            by_module = counter.get_flop_counts()
            torch.autograd.backward(logits.sum())
    prefix = type(model).__name__

    def part(name: str) -> PartSummary:
        flops = sum(by_module.get(f"{prefix}.{name}", {}).values()) // batch_size
        return PartSummary(name=name, parameters=count_parameters(model.get_submodule(name)), flops=flops)

    return ModelSummary(
        config=config,
        seq_len=seq_len,
        batch_size=batch_size,
        parts=tuple(map(part, _part_names(model))),
        parameters=count_parameters(model),
        flops_forward=forward // batch_size,
        flops_training=counter.get_total_flops() // batch_size,
        activation_bytes=_saved_bytes(model, config, batch_size, seq_len),
    )


def _batch(config: ModelConfig, batch_size: int, seq_len: int) -> tuple[Tensor, Tensor]:
    dtype = torch.int64 if config.example_kind == "id" else torch.float32
    examples = torch.zeros(batch_size, seq_len, *config.example_shape, dtype=dtype)
    return examples, torch.zeros(batch_size, seq_len, dtype=torch.int64)


def _part_names(model: InContextModel) -> Iterator[str]:
    """The children of the model; those of its sequence model; and each layer of that with its own children."""
    for name, child in model.named_children():
        yield name
        if child is model.sequence_model:
            for inner, grandchild in child.named_children():
                if not isinstance(grandchild, nn.ModuleList):
                    yield f"{name}.{inner}"
                    continue
                for i, layer in enumerate(grandchild):
                    yield f"{name}.{inner}.{i}"
                    yield from (f"{name}.{inner}.{i}.{leaf}" for leaf, _ in layer.named_children())


def _saved_bytes(model: InContextModel, config: ModelConfig, batch_size: int, seq_len: int) -> int:
    """What autograd saves for one batch. `model` comes on the meta device and leaves with fake CPU tensors, for which
    torch chooses the kernels that it would choose for real ones."""
    with FakeTensorMode(allow_non_fake_inputs=True), _without_onednn():
        model.to_empty(device="cpu")
        own = {tensor.untyped_storage()._cdata for tensor in (*model.parameters(), *model.buffers())}
        saved: dict[int, torch.UntypedStorage] = {}  # with the storage itself, so that no key comes twice

        def note(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            saved[storage._cdata] = storage
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            model(*_batch(config, batch_size, seq_len))
    return sum(storage.nbytes() for key, storage in saved.items() if key not in own)


@contextmanager
def _without_onednn() -> Iterator[None]:
    """oneDNN keeps what its LSTM needs in a workspace whose size fake tensors do not know."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about TF32 on GPUs that are not there
        with torch.backends.mkldnn.flags(enabled=False):
            yield
