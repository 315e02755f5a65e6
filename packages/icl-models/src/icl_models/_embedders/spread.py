"""Batch normalisation of a batch whose images are spread over processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Spread"]

_IMAGES = (0, 2, 3)  # all but the channels of (N, C, H, W)


@dataclass(frozen=True, eq=False)
class Spread:
    """How a layer takes the statistics of a batch of which each process has a part, all of the same size.

    Args:
        total: a tensor → the sum of those of all processes, in place. No gradient need go through it.
        size: number of processes.
        whole: whether statistics are of the whole batch; False where each process has whole groups of sequences.
    """

    total: Callable[[Tensor], Tensor]
    size: int
    whole: bool

    def mean(self, batch: Tensor) -> Tensor:
        """The mean over processes of what each of them has taken of its own groups; without gradient."""
        return self.total(batch.detach().clone()) / self.size

    def normalise(self, x: Tensor, scale: Tensor, offset: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
        """As `batch_norm._normalise` of one group: the output, and mean and biased variance, (C,)."""
        result: tuple[Tensor, Tensor, Tensor] = _normalise(x, scale, offset, eps, self)
        return result

    def statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and biased variance of all processes' images, (C,), in float32 at least.

        Chan, Golub and LeVeque 1979: each process sums squares about its own mean. Their sum is taken in float64, where
        a mean far from zero takes no digits of a variance.
        """
        count = x.numel() // x.shape[1]
        mean = x.mean(_IMAGES, dtype=torch.promote_types(x.dtype, torch.float32))
        squares = (x - mean[:, None, None]).square_().sum(_IMAGES)
        own = mean.double()
        means, second_moments = self.total(torch.stack((own, squares.double() / count + own.square()))) / self.size
        return means.to(mean.dtype), (second_moments - means.square()).clamp_(min=0.0).to(mean.dtype)


@torch.compiler.disable  # type: ignore[untyped-decorator]
def _normalise(x: Tensor, scale: Tensor, offset: Tensor, eps: float, spread: Spread) -> Any:
    """The sums go through another library, which torch.compile would have to trace."""
    return _Normalise.apply(x, scale, offset, eps, spread)  # type: ignore[no-untyped-call]


class _Normalise(torch.autograd.Function):
    """The loss of each process hangs on the images of all of them, through the statistics."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, scale: Tensor, offset: Tensor, eps: float, spread: Spread
    ) -> tuple[Tensor, Tensor, Tensor]:
        mean, variance = spread.statistics(x)
        ctx.save_for_backward(x, scale, mean, variance)
        ctx.eps, ctx.spread = eps, spread
        ctx.mark_non_differentiable(mean, variance)
        y = F.batch_norm(x, mean, variance, scale.to(mean.dtype), offset.to(mean.dtype), eps=eps)
        return y, mean, variance

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        """Ioffe and Szegedy 2015, section 3, of the sum of the processes' losses."""
        x, scale, mean, variance = ctx.saved_tensors
        inverse_stddev = (variance + ctx.eps).rsqrt()
        centred = x - mean[:, None, None]
        of_offset = grad.sum(_IMAGES, dtype=mean.dtype)
        of_scale = (centred * grad).sum(_IMAGES) * inverse_stddev
        sums = ctx.spread.total(torch.stack((of_offset, of_scale)))
        of_mean, slope = sums / (ctx.spread.size * (x.numel() // x.shape[1]))
        slope = slope * inverse_stddev
        of_x = grad - of_mean[:, None, None] - centred.mul_(slope[:, None, None])
        of_x = of_x.mul_((scale.to(mean.dtype) * inverse_stddev)[:, None, None])
        return of_x.to(x.dtype), of_scale.to(scale.dtype), of_offset.to(scale.dtype), None, None
