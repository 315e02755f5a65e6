"""The numbers that a run computes with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from icl_train.config import Precision

__all__ = ["autocast", "computing"]


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[None]:
    """What a model's forward pass runs in, in training and evaluation: nothing, or torch's autocast to bfloat16."""
    if precision != "bf16":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


@contextmanager
def computing(precision: Precision, device: torch.device) -> Iterator[None]:
    """Within the block, a CUDA device multiplies in float32, or in TF32 if that is the precision; and convolutions give
    the same bits each time.

    PyTorch's own choice is TF32 for convolutions (10 bits of 23), and whichever algorithm is free.

    Args:
        precision: a run's.
        device: where it runs; others than CUDA's are left as they are.
    """
    if device.type != "cuda":
        yield
        return
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = (products.allow_tf32, convolutions.allow_tf32, convolutions.deterministic)
    products.allow_tf32 = convolutions.allow_tf32 = precision == "tf32"
    convolutions.deterministic = True
    try:
        yield
    finally:
        products.allow_tf32, convolutions.allow_tf32, convolutions.deterministic = before
