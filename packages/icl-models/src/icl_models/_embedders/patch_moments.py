"""Mean and covariance of an image's patches: all that the statistics of a convolution's output depend on."""

from __future__ import annotations

import torch
from torch import Tensor

_PIXELS = 1 << 17  # whose patches nearly stay in a processor's cache
_PIXELS_ELSEWHERE = 1 << 21


def patch_moments(x: Tensor, kernel: int, stride: int) -> tuple[Tensor, Tensor]:
    """Mean and biased covariance of the patches that a convolution sees, in float64.

    Sums over an image are in the precision of `x`, those over images in float64: bring the values near zero before.

    Args:
        x: (N, C, H, W), padded.
        kernel, stride: of the convolution, which must fit exactly or leave the last pixels out.

    Returns:
        (C * kernel^2,) and (C * kernel^2, C * kernel^2), in the order of a convolution's weights.
    """
    count = 0
    size = x.shape[1] * kernel * kernel
    total, squares = x.new_zeros(size, dtype=torch.float64), x.new_zeros(size, size, dtype=torch.float64)
    pixels = _PIXELS if x.device.type == "cpu" else _PIXELS_ELSEWHERE
    for part in torch.split(x, max(pixels // x[0].numel(), 1)):
        patches = _patches(part, kernel, stride)
        count += len(patches) * patches.shape[2]
        total += patches.sum(2).sum(0, dtype=torch.float64)
        squares += torch.bmm(patches, patches.transpose(1, 2)).sum(0, dtype=torch.float64)
    mean = total / count
    return mean, squares / count - torch.outer(mean, mean)


def _patches(x: Tensor, kernel: int, stride: int) -> Tensor:
    """(N, C * kernel^2, positions): a row of numbers for each place in a patch."""
    windows = x.unfold(2, kernel, stride).unfold(3, kernel, stride)  # (N, C, H', W', kernel, kernel)
    return windows.permute(0, 1, 4, 5, 2, 3).flatten(4).flatten(1, 3)
