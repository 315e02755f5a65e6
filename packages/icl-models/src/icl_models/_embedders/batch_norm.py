"""Batch normalisation with Haiku's running averages: biased variance, zero-debiased exponential averages."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_DECAY = 0.9
_EPS = 1e-5
_CHUNK = 1 << 18  # numbers that stay in a processor's cache


class BatchNorm(nn.Module):
    """Normalise each channel of (N, C, H, W), by the batch in training and by the running averages in evaluation.

    Buffers: `hidden` (2, C), the raw exponential averages of mean and biased variance; `average` (2, C), the same
    divided by 1 - 0.9^t, which evaluation uses; `counter`, the number t of training batches seen. Before the first
    one, evaluation leaves its input as it is (mean 0, variance 1).

    Args:
        num_channels: C.
        initial_scale: what the learned scale starts with.
    """

    hidden: Tensor
    average: Tensor
    counter: Tensor

    def __init__(self, num_channels: int, initial_scale: float = 1.0) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((num_channels,), initial_scale))
        self.offset = nn.Parameter(torch.zeros(num_channels))
        self.register_buffer("hidden", torch.zeros(2, num_channels))
        self.register_buffer("average", torch.stack([torch.zeros(num_channels), torch.ones(num_channels)]))
        self.register_buffer("counter", torch.zeros((), dtype=torch.int32))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            mean, variance = self.average
            return F.batch_norm(x, mean, variance, self.scale, self.offset, eps=_EPS)
        # Compiled, batch_norm has other sums, which are exact enough, and a Function's class upsets the tracing.
        if x.device.type == "cpu" and not torch.compiler.is_compiling():
            y, mean, variance = _normalise_by_batch(x, self.scale, self.offset)
            self._update(torch.stack((mean, variance)))
            return y
        # With momentum 1 torch leaves the statistics of this very batch, so nothing is computed twice.
        batch = torch.zeros_like(self.hidden)
        y = F.batch_norm(x, batch[0], batch[1], self.scale, self.offset, training=True, momentum=1.0, eps=_EPS)
        count = x.numel() // x.shape[1]
        # torch hands back the unbiased variance, and its backward pass still needs it: do not scale it in place.
        self._update(torch.stack((batch[0], batch[1] * ((count - 1) / count))))
        return y

    @torch.no_grad()
    def _update(self, batch: Tensor) -> None:
        self.counter += 1
        self.hidden.mul_(_DECAY).add_(batch, alpha=1.0 - _DECAY)
        self.average.copy_(self.hidden / (1.0 - torch.pow(_DECAY, self.counter)))


class _NormaliseByBatch(torch.autograd.Function):
    """Batch normalisation on a CPU, and the batch's mean and biased variance.

    With channels last in memory torch 2.13 adds a channel's numbers up one by one in float32. Most pixels of a drawing
    are alike, so that all of them are rounded in one direction: after the first convolution of 288 Omniglot images the
    mean was wrong by 0.026 standard deviations and the variance by 0.7%. The sums of the backward pass are not.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, offset: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean = x.mean((0, 2, 3))
        squares = torch.zeros_like(mean)
        for chunk in torch.split(x, max(_CHUNK // x[0].numel(), 1)):
            squares += (chunk - mean.view(1, -1, 1, 1)).square_().sum((0, 2, 3))
        variance = squares / (x.numel() // x.shape[1])
        ctx.save_for_backward(x, scale, mean, (variance + _EPS).rsqrt())
        ctx.mark_non_differentiable(mean, variance)
        return F.batch_norm(x, mean, variance, scale, offset, eps=_EPS), mean, variance

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, scale, mean, inverse_stddev = ctx.saved_tensors
        gradients: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.native_batch_norm_backward(
            grad, x, scale, None, None, mean, inverse_stddev, True, _EPS, [True, True, True]
        )
        return gradients


def _normalise_by_batch(x: Tensor, scale: Tensor, offset: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    result: tuple[Tensor, Tensor, Tensor] = _NormaliseByBatch.apply(x, scale, offset)  # type: ignore[no-untyped-call]
    return result
