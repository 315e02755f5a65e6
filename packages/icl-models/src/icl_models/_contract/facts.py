"""What a component may ask of the model that it is to be part of."""

from __future__ import annotations

from typing import Literal, Protocol


class ModelFacts(Protocol):
    """The settings of `ModelConfig` that components are built and checked by; see there for what each means."""

    @property
    def num_classes(self) -> int:
        """Size of the label table and of the readout."""
        ...

    @property
    def example_kind(self) -> Literal["id", "vector", "image"]:
        """What an example is."""
        ...

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        ...

    @property
    def emb_dim(self) -> int:
        """Width E of the embeddings."""
        ...

    @property
    def num_layers(self) -> int:
        """Layers of the sequence model."""
        ...

    @property
    def dropout_prob(self) -> float:
        """Dropout inside the sequence model, in training."""
        ...

    @property
    def positional_dropout_prob(self) -> float:
        """Dropout on the positional encodings, in training."""
        ...

    @property
    def use_positional_encodings(self) -> bool:
        """Whether positions are encoded."""
        ...

    @property
    def concatenate_labels(self) -> bool:
        """Whether an example and its label share a token."""
        ...

    @property
    def token_width(self) -> int:
        """Width W of a token."""
        ...

    @property
    def resolved_num_heads(self) -> int:
        """Attention heads."""
        ...

    @property
    def resolved_hidden_size(self) -> int:
        """Units of a recurrent layer."""
        ...

    @property
    def resolved_num_ids(self) -> int:
        """Size of the id space."""
        ...
