"""The residual net of an ensemble: `_embedders/resnet.py` with channels last and each convolution a batched product."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from icl_models._embedders.resnet import BottleneckBlock, SimpleResNet
from icl_models._embedders.same_padding import same_max_pool, same_padding
from icl_models._ensemble.products import linear

Normalise = Callable[[str, Tensor], Tensor]
"""Batch norm by name, of (M, R, C)."""


@dataclass(frozen=True)
class ResNetShape:
    """What the forward pass must know beside the weights.

    Args:
        blocks: name, stride and whether the shortcut is projected, of each block in order.
        flatten_superpixels: as `ResNetConfig`.
        sequences_per_statistics: as `ResNetConfig`.
    """

    blocks: tuple[tuple[str, int, bool], ...]
    flatten_superpixels: bool
    sequences_per_statistics: int | None

    @classmethod
    def of(cls, net: SimpleResNet) -> ResNetShape:
        """The shape of this net."""
        blocks = [
            (name, block.conv_1.stride, block.shortcut_conv is not None)
            for name, block in net.named_modules()
            if isinstance(block, BottleneckBlock)
        ]
        return cls(tuple(blocks), net.flatten_superpixels, net.sequences_per_statistics)


def embed_images(images: Tensor, shape: ResNetShape, weights: Mapping[str, Tensor], normalise: Normalise) -> Tensor:
    """Images (M, N, H, W, C) to embeddings (M, N, E).

    Args:
        images: those of each member.
        shape: of the nets.
        weights: each parameter of all members by its name in a net.
        normalise: batch norm.
    """
    x = _convolve(images, weights["stem.weight"], 2)
    x = F.relu_(_pool(_normalised(x, "stem_norm", normalise)))  # as ReLU before the pooling, on a quarter of the values
    for name, stride, projected in shape.blocks:
        x = _block(x, name, stride, projected, weights, normalise)
    x = x.flatten(2) if shape.flatten_superpixels else x.mean((2, 3))
    if "projection.weight" in weights:
        x = linear(x, weights["projection.weight"], weights["projection.bias"])
    return x


def _block(
    x: Tensor, name: str, stride: int, projected: bool, weights: Mapping[str, Tensor], normalise: Normalise
) -> Tensor:
    shortcut = x
    if projected:
        shortcut = _convolve(x, weights[f"{name}.shortcut_conv.weight"], stride)
        shortcut = _normalised(shortcut, f"{name}.shortcut_norm", normalise)
    h = x
    for i, step in enumerate((1, stride, 1)):
        h = _normalised(_convolve(h, weights[f"{name}.conv_{i}.weight"], step), f"{name}.norm_{i}", normalise)
        h = F.relu_(h if i < 2 else h + shortcut)
    return h


def _convolve(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """(M, N, H, W, C) under each member's kernels (M, C', C, K, K): (M, N, H', W', C')."""
    kernel = weight.shape[-1]
    if kernel == 1:
        patches = x[:, :, ::stride, ::stride]
    else:
        top, bottom = same_padding(x.shape[2], kernel, stride)
        left, right = same_padding(x.shape[3], kernel, stride)
        padded = F.pad(x, (0, 0, left, right, top, bottom))
        patches = padded.unfold(2, kernel, stride).unfold(3, kernel, stride)  # (M, N, H', W', C, K, K)
    size = patches.shape[:4]
    return linear(patches.reshape(len(x), size[1:].numel(), -1), weight.flatten(2)).view(*size, -1)


def _normalised(x: Tensor, name: str, normalise: Normalise) -> Tensor:
    return normalise(name, x.flatten(1, 3)).view_as(x)


def _pool(x: Tensor) -> Tensor:
    """Max pooling by two, (M, N, H, W, C)."""
    pooled = same_max_pool(x.flatten(0, 1).permute(0, 3, 1, 2), 3, 2)
    return pooled.permute(0, 2, 3, 1).reshape(*x.shape[:2], *pooled.shape[2:], -1)
