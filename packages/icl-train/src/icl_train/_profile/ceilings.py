"""What this machine can do at most: a large matrix product, and a large copy."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from icl_train._profile.clock import seconds_of
from icl_train.config import Precision

__all__ = ["Ceilings", "measure_ceilings"]

_SIDE = {"cpu": 512, "cuda": 8192}
_COPIED = {"cpu": 2**27, "cuda": 2**30}  # bytes: more than any cache holds


@dataclass(frozen=True, kw_only=True)
class Ceilings:
    """Rates that nothing here exceeds.

    Attributes:
        operations: a second, of a large square matrix product.
        bytes: a second that a large copy reads and writes.
    """

    operations: float
    bytes: float


def measure_ceilings(device: torch.device, precision: Precision) -> Ceilings:
    """Measure them, in as many threads as PyTorch has now.

    Args:
        device: where.
        precision: of the product.
    """
    side, size = _SIDE.get(device.type, _SIDE["cpu"]), _COPIED.get(device.type, _COPIED["cpu"])
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    one = torch.rand(side, side, device=device).to(dtype)
    product = torch.empty_like(one)
    start = torch.zeros(size, dtype=torch.uint8, device=device)
    end = torch.zeros_like(start)
    return Ceilings(
        operations=2 * side**3 / seconds_of(lambda: torch.mm(one, one, out=product), device),
        bytes=2 * size / seconds_of(lambda: end.copy_(start), device),
    )
