"""Convolution and pooling under TensorFlow's SAME padding, which depends on the size of the input."""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from icl_models._embedders.pointwise import is_narrowing, narrowing
from icl_models._initialize import fan_in_normal_

Padding = tuple[int, int]


def same_padding(size: int, kernel: int, stride: int) -> Padding:
    """Padding before and after an axis of `size`; the odd one goes to the end."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _pad(x: Tensor, kernel: int, stride: int, value: float) -> tuple[Tensor, Padding]:
    """Pad (N, C, H, W) where the two ends differ; return what the layer itself can pad evenly."""
    top, bottom = same_padding(x.shape[2], kernel, stride)
    left, right = same_padding(x.shape[3], kernel, stride)
    if top == bottom and left == right:
        return x, (top, left)
    return F.pad(x, (left, right, top, bottom), value=value), (0, 0)


def same_pad(x: Tensor, kernel: int, stride: int) -> Tensor:
    """(N, C, H, W) with all the zeros around it that a layer needs, channels last in memory."""
    top, bottom = same_padding(x.shape[2], kernel, stride)
    left, right = same_padding(x.shape[3], kernel, stride)
    # A single channel's stride tells torch the layout, and padding as it is would forget it.
    return F.pad(x.permute(0, 2, 3, 1), (0, 0, left, right, top, bottom)).permute(0, 3, 1, 2)


class SameConv2d(nn.Module):
    """Convolution without bias, (N, C, H, W) to (N, C', ceil(H / stride), ceil(W / stride))."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.weight = nn.Parameter(fan_in_normal_(nn.Conv2d(in_channels, out_channels, kernel, bias=False).weight.data))

    def forward(self, x: Tensor) -> Tensor:
        if is_narrowing(x, self.weight, self.stride):
            return narrowing(x, self.weight)
        if 1 in x.shape[2:]:
            return self._along_a_line(x)
        x, padding = _pad(x, self.kernel, self.stride, 0.0)
        return F.conv2d(x, self.weight, stride=self.stride, padding=padding)

    def _along_a_line(self, x: Tensor) -> Tensor:
        """The convolution of an image one pixel high or wide, by the row or column of the kernel that meets it.

        The others lie on zeros: they add nothing, and their gradient is zero. In bfloat16 with a stride torch 2.13 does
        not write it, on a CPU with AMX, and trains by what was in memory.
        """
        weight: Tensor = self.weight
        strides = [self.stride, self.stride]
        middle, _ = same_padding(1, self.kernel, self.stride)
        for axis in (2, 3):
            if x.shape[axis] == 1:
                weight, strides[axis - 2] = weight.narrow(axis, middle, 1), 1
        top, bottom = same_padding(x.shape[2], weight.shape[2], strides[0])
        left, right = same_padding(x.shape[3], weight.shape[3], strides[1])
        return F.conv2d(F.pad(x, (left, right, top, bottom)), weight, stride=strides)


def same_max_pool(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Max pooling, (N, C, H, W) to (N, C, ceil(H / stride), ceil(W / stride))."""
    padding = pool_padding(x.shape[2], x.shape[3], kernel, stride)
    if padding is not None:
        return F.max_pool2d(x, kernel, stride, padding[0], ceil_mode=padding[1])
    x, even = _pad(x, kernel, stride, -math.inf)
    return F.max_pool2d(x, kernel, stride, even)


def pool_padding(height: int, width: int, kernel: int, stride: int) -> tuple[Padding, bool] | None:
    """The padding and `ceil_mode` with which torch pools like TensorFlow; None where it cannot.

    `ceil_mode` looks at one more pixel at the end of both axes, or of none, and needs no copy.
    """
    (top, bottom), (left, right) = same_padding(height, kernel, stride), same_padding(width, kernel, stride)
    if bottom - top != right - left:
        return None
    return (top, left), bottom > top
