"""Whether modules may run as fused kernels: asked for in a block, possible where Triton is."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

_wanted: ContextVar[bool] = ContextVar("fused_kernels", default=False)


@contextmanager
def fused_kernels(wanted: bool = True) -> Iterator[None]:
    """Let models in the block train by fused kernels, on a CUDA device with Triton, where these do what modules do.

    Elsewhere nothing changes. They follow the modules to float32's accuracy.

    Args:
        wanted: False for a block that is left out within another.
    """
    token = _wanted.set(wanted)
    try:
        yield
    finally:
        _wanted.reset(token)


def fused_for(tensor: Tensor) -> bool:
    """Whether fused kernels are asked for and can take `tensor`: on a CUDA device, or anywhere if Triton interprets."""
    # torch.compile makes kernels of its own; it decides the first question while it traces.
    if torch.compiler.is_compiling() or not _wanted.get():
        return False
    return has_triton() and (tensor.is_cuda or interprets())


@functools.cache
def has_triton() -> bool:
    """Whether Triton is installed."""
    return importlib.util.find_spec("triton") is not None


@functools.cache
def interprets() -> bool:
    """Whether Triton runs kernels on the CPU (TRITON_INTERPRET=1): as it was when Triton was first needed."""
    if not has_triton():
        return False
    import triton

    return bool(triton.knobs.runtime.interpret)
