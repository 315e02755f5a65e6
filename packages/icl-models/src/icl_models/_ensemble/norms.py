"""Layer and batch normalisation of an ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_BATCH_DECAY = 0.9
_EPS = 1e-5


def layer_norm(x: Tensor, scale: Tensor, offset: Tensor) -> Tensor:
    """Normalise (M, R, W) over W, with each member's scale and offset (M, W)."""
    result: Tensor = _Affine.apply(F.layer_norm(x, x.shape[-1:], eps=_EPS), scale, offset)  # type: ignore[no-untyped-call]
    return result


class _Affine(torch.autograd.Function):
    """scale x + offset; autograd would multiply by the factor of `addcmul`, 1, on its way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, offset: Tensor) -> Tensor:
        ctx.save_for_backward(x, scale)
        return torch.addcmul(offset[:, None], x, scale[:, None])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, scale = ctx.saved_tensors
        return grad * scale[:, None], (grad * x).sum(1), grad.sum(1)


def batch_norm(x: Tensor, scale: Tensor, offset: Tensor, num_groups: int) -> tuple[Tensor, Tensor]:
    """Normalise (M, R, C) by each member's own mean and biased variance, over R / num_groups rows at a time.

    Returns the result and the statistics (M, 2, C), the groups' mean, in float32 at least.
    """
    grouped = x.view(len(x), num_groups, -1, x.shape[2])
    y, mean, variance = _BatchNorm.apply(grouped, scale, offset)  # type: ignore[no-untyped-call]
    statistics = torch.stack((mean, variance), 1)  # (M, 2, G, 1, C)
    return y.view_as(x), statistics.mean((2, 3)) if num_groups > 1 else statistics[:, :, 0, 0]


def batch_norm_by(x: Tensor, scale: Tensor, offset: Tensor, average: Tensor) -> Tensor:
    """Normalise (M, R, C) by given means and variances (M, 2, C)."""
    mean, variance = average.unbind(1)
    factor = scale * (variance + _EPS).rsqrt()
    return torch.addcmul((offset - mean * factor)[:, None], x, factor[:, None]).to(x.dtype)


class _BatchNorm(torch.autograd.Function):
    """(M, G, R, C), normalised over R."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, offset: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        precise = torch.promote_types(x.dtype, torch.float32)
        variance, mean = torch.var_mean(x.to(precise), 2, correction=0, keepdim=True)  # (M, G, 1, C) each
        factor = scale[:, None, None] * (variance + _EPS).rsqrt()
        y = torch.addcmul(offset[:, None, None] - mean * factor, x, factor).to(x.dtype)
        ctx.save_for_backward(x, scale, mean, variance)
        ctx.mark_non_differentiable(mean, variance)
        return y, mean, variance

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Ioffe and Szegedy 2015, section 3."""
        x, scale, mean, variance = ctx.saved_tensors
        inverse = (variance + _EPS).rsqrt()
        of_offset = grad.sum(2, keepdim=True, dtype=mean.dtype)  # (M, G, 1, C)
        of_scale = ((x - mean) * grad).sum(2, keepdim=True) * inverse
        factor = scale[:, None, None] * inverse
        slope = factor * inverse * of_scale / -x.shape[2]
        of_x = torch.addcmul(-factor * of_offset / x.shape[2] - mean * slope, grad, factor).addcmul_(x, slope)
        return of_x.to(x.dtype), of_scale.sum((1, 2)).to(scale.dtype), of_offset.sum((1, 2)).to(scale.dtype)


class RunningAverages(nn.Module):
    """The running averages of all batch norms of all members, updated together: as `BatchNorm` has them.

    Args:
        channels: C by the name of each batch norm.
        members: M.
    """

    hidden: Tensor
    average: Tensor
    counter: Tensor
    norm_of: Tensor

    def __init__(self, channels: dict[str, int], members: int) -> None:
        super().__init__()
        self.names = list(channels)
        self._sizes = [2 * channels[name] for name in self.names]
        self.register_buffer("hidden", torch.zeros(members, sum(self._sizes)))
        self.register_buffer("average", torch.zeros(members, sum(self._sizes)))
        self.register_buffer("counter", torch.zeros(members, len(self.names), dtype=torch.int32))
        numbers = torch.repeat_interleave(torch.arange(len(self.names)), torch.tensor(self._sizes, dtype=torch.int64))
        self.register_buffer("norm_of", numbers)  # which batch norm a number belongs to

    def averages(self) -> dict[str, Tensor]:
        """Means and variances (M, 2, C) by name."""
        return self._by_name(self.average)

    @torch.no_grad()
    def update(self, statistics: Mapping[str, Tensor]) -> None:
        """Take in the statistics (M, 2, C) of one batch, by name."""
        self.counter += 1
        batch = torch.cat([statistics[name].flatten(1) for name in self.names], 1)
        self.hidden.mul_(_BATCH_DECAY).add_(batch, alpha=1.0 - _BATCH_DECAY)
        debias = 1.0 - torch.pow(_BATCH_DECAY, self.counter)
        torch.div(self.hidden, debias.to(self.hidden.dtype)[:, self.norm_of], out=self.average)

    def member_state(self, member: int) -> dict[str, Tensor]:
        """The buffers of one member's batch norms under their own names."""
        state = {}
        hidden, average = self._by_name(self.hidden), self._by_name(self.average)
        for i, name in enumerate(self.names):
            state[f"{name}.hidden"] = hidden[name][member].clone()
            state[f"{name}.average"] = average[name][member].clone()
            state[f"{name}.counter"] = self.counter[member, i].clone()
        return state

    @torch.no_grad()
    def load_member(self, member: int, state: Mapping[str, Tensor]) -> None:
        """The inverse of `member_state`."""
        hidden, average = self._by_name(self.hidden), self._by_name(self.average)
        for i, name in enumerate(self.names):
            hidden[name][member].copy_(state[f"{name}.hidden"])
            average[name][member].copy_(state[f"{name}.average"])
            self.counter[member, i].copy_(state[f"{name}.counter"])

    def _by_name(self, rows: Tensor) -> dict[str, Tensor]:
        parts = torch.split(rows, self._sizes, 1)
        return {name: part.view(len(rows), 2, -1) for name, part in zip(self.names, parts, strict=True)}
