"""The residual net's training pass as fused kernels, where these do what the modules do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from icl_models._embedders.batch_norm import BatchNorm
from icl_models._embedders.same_padding import SameConv2d, same_padding
from icl_models._fused.switch import fused_for

if TYPE_CHECKING:
    from icl_models._fused.images.function import FusedNet
    from icl_models._fused.images.launch_blocks import Layer

_WIDEST = 64
_MOST_NUMBERS = 2**31  # that kernels index


def runs_fused(images: Tensor, stem: SameConv2d, stem_norm: BatchNorm, groups: nn.Module, num_groups: int) -> bool:
    """Whether `fused_features` may stand for the modules on images (N, H, W, C): asked for, in training, float32."""
    if not fused_for(images) or images.shape[-1] != 1 or images.requires_grad or not len(images):
        return False
    from icl_models._fused.images.shapes import most_batches

    modules = [module for part in (stem, stem_norm, groups) for module in part.modules()]
    values = [value for module in modules for value in module.parameters(recurse=False)]
    buffers = [value for module in modules for value in module.buffers(recurse=False)]
    quarter = math.ceil(images.shape[1] / 4) * math.ceil(images.shape[2] / 4)
    return (
        images.dtype == torch.float32
        and stem_norm.spread is None
        and all(module.training and not _has_hooks(module) for module in modules)
        and all(module.spread is None for module in modules if isinstance(module, BatchNorm))
        and all(value.dtype == torch.float32 for value in values)
        and all(value.is_contiguous() and value.device == images.device for value in (*values, *buffers))
        and max(len(value) for value in values) <= _WIDEST
        and num_groups <= most_batches(_WIDEST)
        and len(images) * quarter * 64 * 2 < _MOST_NUMBERS
        and not torch.is_autocast_enabled(images.device.type)
        and not torch._C._are_functorch_transforms_active()
    )


def fused_features(
    images: Tensor, stem: SameConv2d, stem_norm: BatchNorm, groups: nn.Sequential, num_groups: int
) -> Tensor:
    """Images (N, H, W, 1) to features (N, C, H', W'), channels last in memory; `num_groups` as in `BatchNorm`."""
    from icl_models._fused.images.function import residual_net

    net = _net(images.shape, stem, stem_norm, groups, num_groups)
    return residual_net(net, images.flatten(2)).permute(0, 3, 1, 2)


def _net(shape: torch.Size, stem: SameConv2d, stem_norm: BatchNorm, groups: nn.Sequential, num_groups: int) -> FusedNet:
    from icl_models._fused.images.function import FusedNet
    from icl_models._fused.images.shapes import BlockShape, StemShape, programs_for

    images, height, width, _ = shape
    conv = math.ceil(height / 2), math.ceil(width / 2)
    pooled = math.ceil(conv[0] / 2), math.ceil(conv[1] / 2)
    stem_shape = StemShape(
        images, num_groups, height, width, *conv, *pooled,
        conv_padding=(same_padding(height, 7, 2)[0], same_padding(width, 7, 2)[0]),
        pool_padding=(same_padding(conv[0], 3, 2)[0], same_padding(conv[1], 3, 2)[0]),
        channels=len(stem.weight),
    )  # fmt: skip
    shapes, layers = [], []
    programs = 1
    for block in (block for group in groups.children() for block in group.children()):
        project = block.shortcut_conv is not None
        first, cross, widen = (getattr(block, name) for name in ("conv_0", "conv_1", "conv_2"))
        narrow, channels = first.weight.shape[:2]
        out_channels, stride = len(widen.weight), cross.stride
        if project:  # a group begins, all of which is cut alike
            rows = images // num_groups * pooled[0] * pooled[1]
            programs = programs_for(rows, max(narrow, out_channels), num_groups)
        out = math.ceil(pooled[0] / stride), math.ceil(pooled[1] / stride)
        top, left = same_padding(pooled[0], 3, stride)[0], same_padding(pooled[1], 3, stride)[0]
        shapes.append(
            BlockShape(
                images, num_groups, *pooled, *out, top, left, stride, channels, narrow, out_channels, project, programs
            )
        )
        names = [("conv_0", "norm_0"), ("conv_1", "norm_1"), ("conv_2", "norm_2")]
        names += [("shortcut_conv", "shortcut_norm")] if project else []
        layers.append(tuple(_layer(getattr(block, conv), getattr(block, norm)) for conv, norm in names))
        pooled = out
    return FusedNet(stem_shape, _layer(stem, stem_norm), tuple(shapes), tuple(layers))


def _layer(conv: SameConv2d, norm: BatchNorm) -> Layer:
    from icl_models._fused.images.launch_blocks import Layer, Norm

    return Layer(conv.weight, Norm(norm.scale, norm.offset, norm.hidden, norm.average, norm.counter))


def _has_hooks(module: nn.Module) -> bool:
    return bool(
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    )
