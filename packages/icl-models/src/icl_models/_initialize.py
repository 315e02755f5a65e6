"""Random initialisation as the released model has it (Haiku's truncated normals, cut at two standard deviations)."""

import math

import torch
from torch import Tensor, nn

# Standard deviation of a unit normal cut at two: variance scaling divides by it, Haiku's plain default does not.
_TRUNCATED_STDDEV = 0.87962566103423978


@torch.no_grad()
def truncated_normal_(tensor: Tensor, stddev: float) -> Tensor:
    """Fill `tensor` with a normal of scale `stddev`, cut at two of them, from torch's current generator."""
    return nn.init.trunc_normal_(tensor, std=stddev, a=-2.0 * stddev, b=2.0 * stddev)


def fan_in_normal_(weight: Tensor) -> Tensor:
    """Haiku's default for linear and convolution weights (out, in, ...): truncated normal, scale 1/sqrt(fan_in)."""
    return truncated_normal_(weight, 1.0 / math.sqrt(weight[0].numel()))


def variance_scaling_(weight: Tensor) -> Tensor:
    """As `fan_in_normal_`, corrected so that the standard deviation after cutting is 1/sqrt(fan_in)."""
    return truncated_normal_(weight, 1.0 / math.sqrt(weight[0].numel()) / _TRUNCATED_STDDEV)


def scaled_linear(in_features: int, out_features: int, *, bias: bool = True) -> nn.Linear:
    """A linear layer initialised by variance scaling, bias zero."""
    layer = nn.Linear(in_features, out_features, bias=bias)
    variance_scaling_(layer.weight)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer
