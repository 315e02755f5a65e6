"""The settings of the built-in embedders, and what each refuses: without PyTorch, so that a mistake shows at once."""

from __future__ import annotations

from dataclasses import dataclass

from icl_data.foundation.shown import shown
from icl_models._contract.component import ComponentConfig
from icl_models._contract.facts import ModelFacts

BOTTLENECK = 4
SUPERPIXELS = 16  # 4x4 positions, at the paper's 105x105


@dataclass(frozen=True, kw_only=True)
class EmbeddingConfig(ComponentConfig):
    """Settings of embedder "embedding", a table of ids (symbolic data in the released code): none of its own."""


@dataclass(frozen=True, kw_only=True)
class LinearConfig(ComponentConfig):
    """Settings of embedder "linear", one affine layer on the flattened example (as released): none of its own."""


@dataclass(frozen=True, kw_only=True)
class VectorConfig(ComponentConfig):
    """Settings of embedder "vector", a linear map (Reddy 2023, section 3): none of its own."""


@dataclass(frozen=True, kw_only=True)
class RawConfig(ComponentConfig):
    """Settings of embedder "raw", vectors as they are (Reddy 2023, section 2): none of its own."""


def check_raw(model: ModelFacts, own: RawConfig) -> None:
    """A vector must be as wide as a token."""
    if model.emb_dim != model.example_shape[0]:
        raise ValueError(
            f"emb_dim must be the vectors' width, {model.example_shape[0]}, for embedder 'raw', got {model.emb_dim}"
        )


@dataclass(frozen=True, kw_only=True)
class ResNetConfig(ComponentConfig):
    """Settings of embedder "resnet" (Chan et al. 2022, section 2.2 and its appendix).

    Args:
        flatten_superpixels: keep the last group's positions side by side, with emb_dim / 16 channels each, in place of
            the mean over positions.
        sequences_per_statistics: sequences that batch normalisation takes mean and variance over in training, one group
            of the batch after the other; it must divide the batch. None is all of the batch. The released trainer
            normalises on each device apart: 2 is the paper's 32 sequences on 16 cores.

    Raises:
        ValueError: for a switch that is neither True nor False, or a number that is no positive integer.
    """

    flatten_superpixels: bool = False
    sequences_per_statistics: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.flatten_superpixels, bool):
            raise ValueError(f"flatten_superpixels must be True or False, got {shown(self.flatten_superpixels)}")
        check_sequences_per_statistics(self.sequences_per_statistics)


def check_sequences_per_statistics(number: int | None) -> None:
    """ValueError for anything but None and positive integers."""
    if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 1):
        raise ValueError(f"sequences_per_statistics must be None or a positive integer, got {shown(number)}")


def check_resnet(model: ModelFacts, own: ResNetConfig) -> None:
    """The last group's channels must divide into bottlenecks."""
    last_channels(model.emb_dim, own.flatten_superpixels)


def last_channels(emb_dim: int, flatten_superpixels: bool) -> int:
    """Channels of the residual net's last group. ValueError where they do not divide into bottlenecks."""
    divisor = SUPERPIXELS * BOTTLENECK if flatten_superpixels else BOTTLENECK
    if emb_dim % divisor:
        superpixels = " with flatten_superpixels" if flatten_superpixels else ""
        raise ValueError(f"emb_dim must be a multiple of {divisor} for the residual net{superpixels}, got {emb_dim}")
    return emb_dim // SUPERPIXELS if flatten_superpixels else emb_dim
