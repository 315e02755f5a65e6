"""Convolution, max pooling and ReLU of a few images at a time, whose largest layer then never leaves the cache."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from icl_models._embedders.same_padding import pool_padding, same_max_pool

POOL_KERNEL, POOL_STRIDE = 3, 2
_POSITIONS = 26_000  # of a convolution, whose 64 channels then are 6 MB
_POOL = [POOL_KERNEL] * 2, [POOL_STRIDE] * 2


def pooled_convolution(x: Tensor, weight: Tensor, bias: Tensor, stride: int) -> Tensor:
    """ReLU of the pooled convolution of images that need no gradient.

    Args:
        x: (N, C, H, W), channels last in memory.
        weight, bias: (C', C, kernel, kernel), (C',).

    Returns:
        (N, C', ceil(H' / 2), ceil(W' / 2)), of the (H', W') that a convolution without padding gives.
    """
    height, width = ((size - weight.shape[2]) // stride + 1 for size in x.shape[2:])
    padding = pool_padding(height, width, POOL_KERNEL, POOL_STRIDE)
    if padding is None:
        return F.relu_(same_max_pool(F.conv2d(x, weight, bias, stride), POOL_KERNEL, POOL_STRIDE))
    result: Tensor = _PooledConvolution.apply(x, weight, bias, stride, padding)  # type: ignore[no-untyped-call]
    return result


class _PooledConvolution(torch.autograd.Function):
    """Both passes, of some images after others.

    For 288 Omniglot images what the convolution gives is 200 MB, as is its gradient: to write and read them, and to get
    that much memory, takes longer than the convolution.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: Any) -> Tensor:
        ctx.stride, ctx.padding, ctx.indices = stride, padding, []
        ctx.images = max(_POSITIONS * stride**2 // x[0].numel(), 1)
        out = x
        for first in range(0, len(x), ctx.images):
            part = x[first : first + ctx.images]
            y = F.conv2d(part, weight, bias, stride)
            best, indices = F.max_pool2d(
                y, POOL_KERNEL, POOL_STRIDE, padding[0], ceil_mode=padding[1], return_indices=True
            )
            if first == 0:
                ctx.convolved = y.shape[1:]
                out = x.new_empty(len(x), *best.shape[2:], best.shape[1]).permute(0, 3, 1, 2)
            torch.clamp(best, min=0.0, out=out[first : first + len(part)])
            ctx.indices.append(indices)
        ctx.save_for_backward(x, weight, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, Tensor, None, None]:
        x, weight, out = ctx.saved_tensors
        even, ceil = ctx.padding
        of_weight, of_bias = torch.zeros_like(weight), weight.new_zeros(len(weight))
        parts = (torch.split(whole, ctx.images) for whole in (x, grad, out))
        for part, of_out, best, indices in zip(*parts, ctx.indices, strict=True):
            of_best = torch.ops.aten.threshold_backward(of_out, best, 0.0)
            of_bias = of_bias + of_best.sum((0, 2, 3))
            like = part.new_empty(len(part), *ctx.convolved[1:], ctx.convolved[0]).permute(0, 3, 1, 2)
            of_y = torch.ops.aten.max_pool2d_with_indices_backward(of_best, like, *_POOL, even, [1, 1], ceil, indices)
            of_weight = (
                of_weight
                + torch.ops.aten.convolution_backward(
                    of_y, part, weight, None, [ctx.stride] * 2, [0, 0], [1, 1], False, [0, 0], 1, [False, True, False]
                )[1]
            )
        return None, of_weight, of_bias, None, None
