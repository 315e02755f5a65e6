"""A captured update whose model runs as fused kernels."""

from __future__ import annotations

from importlib.util import find_spec

import torch
from torch import Tensor

from icl_models import fused_kernels
from icl_train._engines.graph import Graph

__all__ = ["Fused", "why_not_fused"]

_OLDEST = (8, 0)  # compute capability: products in TF32, and bfloat16


class Fused(Graph):
    """As `Graph`; the transformer's and the residual net's passes are a few Triton kernels, where these do what the
    modules do."""

    name = "fused"

    def _whole_update(self, step: int) -> Tensor:
        with fused_kernels():
            return super()._whole_update(step)


def why_not_fused(device: torch.device) -> str | None:
    """What is missing for fused kernels on a CUDA device; None if nothing."""
    if find_spec("triton") is None:
        return "Triton is not installed"
    if torch.cuda.get_device_capability(device) < _OLDEST:
        return "the GPU is older than Ampere"
    return None
