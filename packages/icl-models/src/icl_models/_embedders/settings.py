"""The settings of the built-in embedders, and what each refuses: without PyTorch, so that a mistake shows at once."""

from __future__ import annotations

from dataclasses import dataclass

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
class ResNetConfig(ComponentConfig):
    """Settings of embedder "resnet" (Chan et al. 2022, section 2.2 and its appendix).

    Args:
        flatten_superpixels: keep the last group's positions side by side, with emb_dim / 16 channels each, in place of
            the mean over positions.

    Raises:
        ValueError: where it is neither True nor False.
    """

    flatten_superpixels: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.flatten_superpixels, bool):
            raise ValueError(f"flatten_superpixels must be True or False, got {self.flatten_superpixels!r}")


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
