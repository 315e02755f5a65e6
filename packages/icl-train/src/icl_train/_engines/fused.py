"""A captured update whose model runs as fused kernels."""

from __future__ import annotations

from torch import Tensor

from icl_models import fused_kernels
from icl_train._engines.graph import Graph

__all__ = ["Fused"]


class Fused(Graph):
    """As `Graph`; the transformer's and the residual net's passes are a few Triton kernels, where these do what the
    modules do."""

    name = "fused"

    def _whole_update(self, step: int) -> Tensor:
        with fused_kernels():
            return super()._whole_update(step)
