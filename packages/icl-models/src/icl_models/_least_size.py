"""What a model needs at least, told from its settings, so that what cannot fit is refused before it is made.

What is counted is less than a model takes, so that none is refused that could be built.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Protocol

from icl_data.foundation.machine_memory import machine_memory, readable_bytes

__all__ = ["Layers", "Sizes", "least_bytes", "least_layer_bytes", "least_layer_numbers", "refuse_beyond_memory"]

_NUMBER = 4  # bytes of a float32
_OBJECTS = {"transformer": 16_384}  # bytes of a layer's Python objects, at least
_FEWEST_OBJECTS = 2048


class Layers(Protocol):
    """The settings that decide about the layers of the sequence model, as `ModelConfig` has them."""

    @property
    def sequence_model(self) -> str:
        """Its name."""
        ...

    @property
    def emb_dim(self) -> int:
        """Width E of the embeddings."""
        ...

    @property
    def concatenate_labels(self) -> bool:
        """Whether tokens are 2E wide."""
        ...

    @property
    def hidden_size(self) -> int | None:
        """Units of a recurrent layer; None is E."""
        ...

    @property
    def num_layers(self) -> int:
        """Layers of the sequence model."""
        ...


class Sizes(Layers, Protocol):
    """Those that decide about the rest, too."""

    @property
    def num_classes(self) -> int:
        """Size of the label table and of the readout."""
        ...

    @property
    def embedder(self) -> str:
        """Its name."""
        ...

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        ...

    @property
    def num_ids(self) -> int | None:
        """Size of the id space; None is num_classes."""
        ...


def least_layer_numbers(model: Layers) -> int:
    """Weights that the layers have at least; 0 of a plugin's, which may share them.

    Args:
        model: the settings.
    """
    width = model.emb_dim * (2 if model.concatenate_labels else 1)
    hidden = model.emb_dim if model.hidden_size is None else model.hidden_size
    if model.sequence_model == "transformer":
        return model.num_layers * 4 * width**2  # queries, keys, values and the output
    if model.sequence_model == "mamba":
        return model.num_layers * 3 * width**2
    if model.sequence_model == "reddy":
        return model.num_layers * width**2  # values; of its own settings nothing is known here
    gates = {"lstm": 4, "gru": 3, "vanilla_rnn": 1}.get(model.sequence_model, 0)
    return gates * hidden * (width + hidden + (model.num_layers - 1) * 2 * hidden)


def least_layer_bytes(model: Layers) -> int:
    """Bytes that the layers' Python objects take at least, however narrow they are; 0 of a plugin's.

    Args:
        model: the settings.
    """
    if model.sequence_model not in ("transformer", "mamba", "reddy", "lstm", "gru", "vanilla_rnn"):
        return 0
    return model.num_layers * _OBJECTS.get(model.sequence_model, _FEWEST_OBJECTS)


def refuse_beyond_memory(config: Sizes) -> None:
    """Raise ValueError, with the settings that ask for most, if a model's weights are larger than all memory there is.

    Args:
        config: of the model.
    """
    memory = machine_memory()
    needed, settings = least_bytes(config)
    if memory is not None and needed > memory:
        raise ValueError(
            f"a model must fit into memory, got {settings}: its weights need at least {readable_bytes(needed)}, "
            f"and there are {readable_bytes(memory)} in all"
        )


def least_bytes(config: Sizes) -> tuple[int, str]:
    """Bytes that a model's weights and layers need at least, and the settings that ask for most of them.

    Args:
        config: of the model.
    """
    needs = list(_needs(config))
    names, _ = max(needs, key=lambda need: need[1])
    return sum(size for _, size in needs), " and ".join(f"{name} {_value(getattr(config, name))}" for name in names)


def _needs(config: Sizes) -> Iterator[tuple[tuple[str, ...], int]]:
    """Settings, and bytes that they ask for."""
    yield ("num_classes", "emb_dim"), _NUMBER * config.num_classes * config.emb_dim
    if config.embedder == "embedding":
        ids = config.num_classes if config.num_ids is None else config.num_ids
        yield ("num_classes" if config.num_ids is None else "num_ids", "emb_dim"), _NUMBER * ids * config.emb_dim
    if config.embedder in ("linear", "vector"):
        yield ("example_shape", "emb_dim"), _NUMBER * math.prod(config.example_shape) * config.emb_dim
    width = "emb_dim" if config.hidden_size is None else "hidden_size"
    yield ("num_layers", width), _NUMBER * least_layer_numbers(config) + least_layer_bytes(config)


def _value(value: int | tuple[int, ...]) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
