"""Give memory that was only needed while loading back to the system."""

from __future__ import annotations

import ctypes
import sys


def give_back_freed_memory() -> None:
    """Have glibc return what has been freed; elsewhere, nothing.

    Reading and caching Omniglot frees pieces of many megabytes, after which glibc keeps up to 32 MB at the end of its
    heap for later use: half as much again as the packed images themselves.
    """
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:  # musl has none
            trim(0)
