"""The products of an ensemble: a linear layer and a table of vectors, each of every member in one call."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Each member's linear layer: x (M, R, I), weight (M, O, I) and bias (M, O) to (M, R, O).

    As `torch.baddbmm`, under autocast in its precision, with the weight's gradient in the weight's own layout.
    """
    device = x.device.type
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
        x, weight, bias = x.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype)
    result: Tensor = _Linear.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return result


class _Linear(torch.autograd.Function):
    """autograd would hand back the gradient of the transposed weight: another pass over it to turn it round."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        if bias is None:
            return torch.bmm(x, weight.mT)
        return torch.baddbmm(bias[:, None], x, weight.mT)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None]:
        x, weight = ctx.saved_tensors
        needs_x, _, needs_bias = ctx.needs_input_grad
        of_x = torch.bmm(grad, weight) if needs_x else None
        of_bias = grad.sum(1) if needs_bias else None
        return of_x, torch.bmm(grad.mT, x), of_bias


def look_up(table: Tensor, ids: Tensor) -> Tensor:
    """Rows ids (M, ...) of each member's table (M, C, E): (M, ..., E)."""
    result: Tensor = _LookUp.apply(table, ids.flatten(1))  # type: ignore[no-untyped-call]
    return result.view(*ids.shape, -1)


class _LookUp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, ids: Tensor) -> Tensor:
        ctx.save_for_backward(ids)
        ctx.num_rows = table.shape[1]
        return table.gather(1, ids[..., None].expand(-1, -1, table.shape[2]))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (ids,) = ctx.saved_tensors
        gather = rows_by_adding if grad.device.type == "cpu" else rows_by_product
        return gather(grad, ids, ctx.num_rows), None


def rows_by_adding(grad: Tensor, ids: Tensor, num_rows: int) -> Tensor:
    """Sums (M, C, E) of the gradients (M, R, E) that go to the same row, in order."""
    rows = grad.new_zeros(len(grad), num_rows, grad.shape[2])
    return rows.scatter_add_(1, ids[..., None].expand_as(grad), grad)


def rows_by_product(grad: Tensor, ids: Tensor, num_rows: int) -> Tensor:
    """The same as one product: a GPU adds up in any order, which would not be the same twice."""
    one_hot = ids[:, None] == torch.arange(num_rows, device=ids.device)[:, None]  # (M, C, R)
    return torch.bmm(one_hot.to(grad.dtype), grad)
