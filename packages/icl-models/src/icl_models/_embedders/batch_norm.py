"""Batch normalisation with Haiku's running averages: biased variance, zero-debiased exponential averages."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from icl_models._embedders.spread import Spread

_DECAY = 0.9
_EPS = 1e-5
_CHUNK = 1 << 18  # numbers that stay in a processor's cache
_ALL_BUT_CHANNELS = (-4, -2, -1)  # of (N, C, H, W), and of groups of them


class BatchNorm(nn.Module):
    """Normalise each channel of (N, C, H, W), by the batch in training and by the running averages in evaluation.

    Statistics and normalisation are in float32 at least, whatever the precision of the input, which the output has.

    Buffers: `hidden` (2, C), the raw exponential averages of mean and biased variance; `average` (2, C), the same
    divided by 1 - 0.9^t, which evaluation uses; `counter`, the number t of training batches seen. Before the first
    one, evaluation leaves its input as it is (mean 0, variance 1).

    Args:
        num_channels: C.
        initial_scale: what the learned scale starts with.

    Attributes:
        spread: how a training batch is spread over processes; None where it is not.
    """

    hidden: Tensor
    average: Tensor
    counter: Tensor

    def __init__(self, num_channels: int, initial_scale: float = 1.0) -> None:
        super().__init__()
        self.spread: Spread | None = None
        self.scale = nn.Parameter(torch.full((num_channels,), initial_scale))
        self.offset = nn.Parameter(torch.zeros(num_channels))
        self.register_buffer("hidden", torch.zeros(2, num_channels))
        self.register_buffer("average", torch.stack([torch.zeros(num_channels), torch.ones(num_channels)]))
        self.register_buffer("counter", torch.zeros((), dtype=torch.int32))

    def forward(self, x: Tensor, num_groups: int = 1) -> Tensor:
        """Normalise.

        Args:
            x: (N, C, H, W).
            num_groups: in training, how many equal parts of the batch, one after the other, are normalised each by its
                own statistics. The running averages are of the parts' mean.
        """
        if not self.training:
            mean, variance = self.average
            return F.batch_norm(x, mean, variance, self.scale, self.offset, eps=_EPS)
        if self.spread is not None and self.spread.whole:
            y, mean, variance = self.spread.normalise(x, self.scale, self.offset, _EPS)
        else:
            y, mean, variance = _normalise(x, self.scale, self.offset, num_groups)
        batch = torch.stack((mean, variance)).detach()
        batch = batch if num_groups == 1 else batch.mean(1)
        self.update(batch if self.spread is None or self.spread.whole else self.spread.mean(batch))
        return y

    def affine(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """What normalisation by these statistics, (C,), multiplies each channel by and adds, in their precision."""
        factor = self.scale.to(mean.dtype) * (variance + _EPS).rsqrt()
        return factor, self.offset.to(mean.dtype) - mean * factor

    def update(self, batch: Tensor) -> None:
        """Move the running averages by a batch of this mean and biased variance, (2, C)."""
        self.counter += 1
        self.hidden.mul_(_DECAY).add_(batch, alpha=1.0 - _DECAY)
        self.average.copy_(self.hidden / (1.0 - torch.pow(_DECAY, self.counter)))


def _normalise(x: Tensor, scale: Tensor, offset: Tensor, num_groups: int) -> tuple[Tensor, Tensor, Tensor]:
    """The output, and mean and biased variance: (C,), or (G, C) of several groups."""
    # Compiled, batch_norm has other sums, which are exact enough, and a Function's class upsets the tracing.
    compiling = torch.compiler.is_compiling()
    if num_groups == 1 and (compiling or x.device.type != "cpu"):
        return _by_torch(x, scale, offset)
    if compiling:
        return _by_statistics(x, scale, offset, num_groups)
    result: tuple[Tensor, Tensor, Tensor] = _Normalise.apply(x, scale, offset, num_groups)  # type: ignore[no-untyped-call]
    return result


def _by_torch(x: Tensor, scale: Tensor, offset: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    # With momentum 1 torch leaves the statistics of this very batch, so nothing is computed twice.
    batch = scale.detach().new_zeros(2, len(scale))
    y = F.batch_norm(x, batch[0], batch[1], scale, offset, training=True, momentum=1.0, eps=_EPS)
    count = x.numel() // x.shape[1]
    # torch hands back the unbiased variance, and its backward pass still needs it: do not scale it in place.
    return y, batch[0], batch[1] * ((count - 1) / count)


def _by_statistics(x: Tensor, scale: Tensor, offset: Tensor, num_groups: int) -> tuple[Tensor, Tensor, Tensor]:
    mean, variance = _statistics(x, num_groups)
    scale, offset = scale.to(mean.dtype), offset.to(mean.dtype)
    if num_groups == 1:
        return F.batch_norm(x, mean, variance, scale, offset, eps=_EPS), mean, variance
    factor = scale * (variance + _EPS).rsqrt()
    y = torch.addcmul(_of_images(offset - mean * factor, len(x)), x, _of_images(factor, len(x)))
    return y.to(x.dtype), mean, variance


def _statistics(x: Tensor, num_groups: int) -> tuple[Tensor, Tensor]:
    """Mean and biased variance in float32 at least: (C,), or (G, C) of several groups."""
    images = _grouped(x, num_groups)
    mean = images.mean(_ALL_BUT_CHANNELS, dtype=torch.promote_types(x.dtype, torch.float32))
    centre = mean.unsqueeze(-2)[..., None, None]
    squares = torch.zeros_like(mean)
    for part in _parts(images):
        squares += (part - centre).square_().sum(_ALL_BUT_CHANNELS)
    return mean, squares / (x.numel() // mean.numel())


def _grouped(x: Tensor, num_groups: int) -> Tensor:
    """(N, C, H, W), or as (G, N / G, C, H, W) where there are several groups."""
    return x if num_groups == 1 else x.view(num_groups, len(x) // num_groups, *x.shape[1:])


def _parts(images: Tensor) -> Sequence[Tensor]:
    """Some images at a time, of each group: what is computed of them for a sum then stays in the cache."""
    count = images.shape[-4]
    size = count if torch.compiler.is_compiling() else max(_CHUNK * count // images.numel(), 1)
    return torch.split(images, size, -4)


def _of_images(values: Tensor, images: int) -> Tensor:
    """(G, C) as (N, C, 1, 1): those of each image's group."""
    num_groups, channels = values.shape
    return values[:, None].expand(-1, images // num_groups, -1).reshape(images, channels, 1, 1)


class _Normalise(torch.autograd.Function):
    """Batch normalisation on a CPU, and that of groups, with the mean and biased variance.

    With channels last in memory torch 2.13 adds a channel's numbers up one by one in float32. Most pixels of a drawing
    are alike, so that all of them are rounded in one direction: after the first convolution of 288 Omniglot images the
    mean was wrong by 0.026 standard deviations and the variance by 0.7%. The sums of the backward pass are not.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, scale: Tensor, offset: Tensor, num_groups: int) -> tuple[Tensor, Tensor, Tensor]:
        return _by_statistics(x, scale, offset, num_groups)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
        x, scale, _, ctx.num_groups = inputs
        _, mean, variance = output
        ctx.save_for_backward(x, scale, mean, variance)
        ctx.mark_non_differentiable(mean, variance)

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, scale, mean, variance = ctx.saved_tensors
        precise = scale.to(mean.dtype)
        if ctx.num_groups == 1:
            stddev = (variance + _EPS).rsqrt()
            of_x, of_scale, of_offset = torch.ops.aten.native_batch_norm_backward(
                grad, x, precise, None, None, mean, stddev, True, _EPS, [True, True, True]
            )
        else:
            of_x, of_scale, of_offset = _backward_of_groups(grad, x, precise, mean, variance)
        return of_x, of_scale.to(scale.dtype), of_offset.to(scale.dtype), None


# torch asks for it at every call, and to find it out takes longer than a small layer.
_Normalise.forward.__signature__ = inspect.signature(_Normalise.forward)  # type: ignore[attr-defined]


def _backward_of_groups(
    grad: Tensor, x: Tensor, scale: Tensor, mean: Tensor, variance: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of input, scale and offset (Ioffe and Szegedy 2015, section 3), group by group."""
    num_groups, images = len(mean), len(x)
    if torch.is_grad_enabled():  # a second derivative is wanted, and the statistics depend on the input
        mean, variance = _statistics(x, num_groups)
    of_offset, products = torch.zeros_like(mean), torch.zeros_like(mean)  # (G, C)
    centre = mean[:, None, :, None, None]
    for part, of_part in zip(_parts(_grouped(x, num_groups)), _parts(_grouped(grad, num_groups)), strict=True):
        of_offset += of_part.sum(_ALL_BUT_CHANNELS, dtype=mean.dtype)
        products += (part - centre).mul_(of_part).sum(_ALL_BUT_CHANNELS)
    inverse_stddev = (variance + _EPS).rsqrt()
    of_scale = products * inverse_stddev
    factor = scale * inverse_stddev
    each = factor * (mean.numel() / x.numel())  # over the numbers that a mean is of
    slope = -each * inverse_stddev * of_scale
    of_x = torch.addcmul(_of_images(-each * of_offset - mean * slope, images), grad, _of_images(factor, images))
    of_x = of_x.addcmul_(x, _of_images(slope, images))
    return of_x.to(x.dtype), of_scale.sum(0), of_offset.sum(0)
