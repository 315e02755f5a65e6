"""The residual net's first layer: convolution, batch normalisation, max pooling and ReLU."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from icl_models._embedders.batch_norm import BatchNorm
from icl_models._embedders.mark_moments import mark_moments, marks
from icl_models._embedders.patch_moments import patch_moments
from icl_models._embedders.pooled_convolution import POOL_KERNEL, POOL_STRIDE, pooled_convolution
from icl_models._embedders.same_padding import SameConv2d, same_max_pool, same_pad

_PIXELS = 64 * 64  # on a CPU; the moments of smaller images take as long as normalising what comes of them


def stem(x: Tensor, conv: SameConv2d, norm: BatchNorm, num_groups: int) -> Tensor:
    """(N, C, H, W) images to (N, C', ceil(H / 4), ceil(W / 4)) for a convolution of stride 2.

    ReLU comes after the pooling, where it is the same as before it, on a quarter of the values.
    """
    if num_groups == 1 and _folds(x, conv, norm):
        padded, weight, bias = _normalising(x, conv, norm)
        if x.device.type == "cpu" and not _in_transform():
            return pooled_convolution(padded, weight, bias, conv.stride)
        y = F.conv2d(padded, weight, bias, conv.stride)
    else:
        y = norm(conv(x), num_groups)
    return F.relu_(same_max_pool(y, POOL_KERNEL, POOL_STRIDE))


def _folds(x: Tensor, conv: SameConv2d, norm: BatchNorm) -> bool:
    """Whether normalisation can go into the weights: in training, where only weights need a gradient."""
    channels, *patch = conv.weight.shape
    return (
        norm.training
        and norm.spread is None  # whose statistics are of other processes' images, too
        and type(x) is Tensor  # else it may be there to be counted alone
        and (x.device.type == "cuda" or (x.device.type == "cpu" and x.shape[2] * x.shape[3] >= _PIXELS))
        and not x.requires_grad
        and x.dtype == conv.weight.dtype == norm.scale.dtype
        and x.dtype in (torch.float32, torch.float64)
        and torch.Size(patch).numel() <= channels  # else the patches' moments take longer than the convolution
        and not torch.is_autocast_enabled(x.device.type)
        and not torch.compiler.is_compiling()
        and not any(_has_hooks(module) for module in (conv, norm))
    )


def _has_hooks(module: torch.nn.Module) -> bool:
    return bool(
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    )


def _in_transform() -> bool:
    """Whether `torch.func` looks on, for which a Function of torch's would have to be written twice."""
    return bool(torch._C._are_functorch_transforms_active())


def _normalising(x: Tensor, conv: SameConv2d, norm: BatchNorm) -> tuple[Tensor, Tensor, Tensor]:
    """Padded images, weights and bias whose convolution is norm(conv(x)), with no pass over what a convolution gives.

    It is linear in the patches of the images, w . patch, so that its mean is w . mean(patch) and its variance
    w . cov(patch) . w. Both are small, and in float64. Normalisation is then a convolution by other weights with a
    bias, and what reaches w through mean and variance is the derivative of a few small products.
    """
    with torch.no_grad():
        # Around zero, products lose the least by rounding.
        centre = x.mean(dtype=torch.float64).to(x.dtype)
        padded = same_pad(x, conv.kernel, conv.stride) - centre
        patch_mean, patch_covariance = _moments(x, padded, centre, conv)
    weight = conv.weight.flatten(1).double()
    mean = weight @ patch_mean  # less than the mean by what the centre gives
    variance = ((weight @ patch_covariance) * weight).sum(1).clamp(min=0.0)
    factor, bias = norm.affine(mean, variance)
    with torch.no_grad():
        norm.update(torch.stack((mean + centre.double() * weight.sum(1), variance)).to(norm.hidden.dtype))
    normalising = (weight * factor[:, None]).to(x.dtype).view_as(conv.weight)
    return padded, normalising, bias.to(x.dtype)


def _moments(x: Tensor, padded: Tensor, centre: Tensor, conv: SameConv2d) -> tuple[Tensor, Tensor]:
    """Mean and covariance of the patches of `padded`, which are those of `x` less the centre."""
    if x.device.type == "cpu" and x.dtype == torch.float32 and x.shape[1] == 1 and not _in_transform():
        drawn = marks(x[:, 0])
        if drawn is not None:
            bits, value = drawn[0], drawn[1].double()
            mean, covariance = mark_moments(bits, conv.kernel, conv.stride)
            return mean * value - centre, covariance * value.square()
    return patch_moments(padded, conv.kernel, conv.stride)
