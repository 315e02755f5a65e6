"""GELU in the approximation by tanh, with its slope (Hendrycks and Gimpel 2016, arXiv 1606.08415)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

# (1 + tanh z) / 2 = sigmoid(2 z), and a vectorised sigmoid takes a tenth of the time of tanh.
_LINEAR = 2.0 * math.sqrt(2.0 / math.pi)
_CUBIC = 0.044715 * _LINEAR


def gelu_with_slope(x: Tensor) -> tuple[Tensor, Tensor]:
    """x s(u) with u = _LINEAR x + _CUBIC x^3, which takes the place of `x`, and its derivative s + x s (1 - s) u'; no
    gradients are recorded."""
    linear = x.new_tensor(_LINEAR)
    share = torch.addcmul(linear, x, x, value=_CUBIC).mul_(x).sigmoid_()  # s
    slope = torch.addcmul(linear, x, x, value=3.0 * _CUBIC)  # u'
    slope = torch.ops.aten.sigmoid_backward.default(slope, share)  # s (1 - s) u'
    torch.addcmul(share, x, slope, out=slope)
    return x.mul_(share), slope
