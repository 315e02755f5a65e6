"""Memory that one step frees is kept for the next one."""

from __future__ import annotations

import ctypes
import sys

__all__ = ["keep_freed_memory"]

# <malloc.h> of glibc
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def keep_freed_memory() -> bool:
    """Tell glibc to reuse large blocks instead of returning them to the kernel; False where that cannot be told.

    Training allocates the same large tensors at every step. By default each comes from mmap and goes back, so that
    every page is faulted in and zeroed again: with the residual net at 105 x 105 that is a third of the CPU time
    (benchmarks/bench_train.py). The process then holds its peak memory until it ends.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # musl has none
        return False
    return bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, -1))
