"""1x1 convolution on a CPU, with the gradient of few output channels' weights as a product of matrices."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

_FEW = 8  # from 16 on torch is as quick


def is_narrowing(x: Tensor, weight: Tensor, stride: int) -> bool:
    """Whether `narrowing` can take the place of a convolution, and is quicker."""
    out_channels, in_channels, *kernel = weight.shape
    return (
        kernel == [1, 1]
        and stride == 1
        and out_channels <= _FEW < in_channels
        and type(x) is Tensor  # else it may be there to be counted alone
        and x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and not torch._C._are_functorch_transforms_active()
        and x.is_contiguous(memory_format=torch.channels_last)
    )


def narrowing(x: Tensor, weight: Tensor) -> Tensor:
    """(N, C, H, W) to (N, C', H, W) by weights (C', C, 1, 1)."""
    result: Tensor = _Narrowing.apply(x, weight)  # type: ignore[no-untyped-call]
    return result


class _Narrowing(torch.autograd.Function):
    """torch 2.13 takes seven times as long for the gradient of (4, 64, 1, 1) weights as for that of (16, 64, 1, 1)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.conv2d(x, weight)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        of_x = of_weight = None
        if ctx.needs_input_grad[0]:
            of_x = torch.ops.aten.convolution_backward(
                grad, x, weight, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [True, False, False]
            )[0]
        if ctx.needs_input_grad[1]:
            of_weight = (_rows(grad).T @ _rows(x)).view_as(weight)
        return of_x, of_weight


def _rows(x: Tensor) -> Tensor:
    """(N, C, H, W) as (N * H * W, C), which with channels last it is in memory."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
