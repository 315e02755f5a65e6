"""How much memory this process may use, so that what cannot fit is refused before it is made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["machine_memory", "readable_bytes"]


def machine_memory() -> int | None:
    """Bytes of memory that this process may use: the machine's, its container's, or the limit that was set on it
    (`ulimit -v`); None where that cannot be told."""
    try:
        physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
    limits = _container_limits(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))
    return min([physical, *limits, *_process_limit()])


def readable_bytes(size: int) -> str:
    """A number of bytes as people read it: ``1.2 TiB``.

    Args:
        size: bytes.
    """
    units = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    power = min(max(size.bit_length() - 1, 0) // 10, len(units) - 1)
    if not power:
        return f"{size} bytes"
    tenths = size * 10 // 1024**power  # of whole numbers, which may be larger than any float
    return f"{tenths // 10:,}.{tenths % 10} {units[power]}"


def _container_limits(groups: Path, root: Path) -> Iterator[int]:
    """Limits of the control groups that this process is in (version 2 and 1), from its own to the outermost."""
    try:
        lines = groups.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, name = root, "memory.max"
        elif "memory" in controllers.split(","):
            top, name = root / "memory", "memory.limit_in_bytes"
        else:
            continue
        folder = top / path.lstrip("/")
        for place in (folder, *folder.parents):
            with suppress(OSError, ValueError):  # no such group here, or "max"
                yield int((place / name).read_text())
            if place == top:
                break


def _process_limit() -> Iterator[int]:
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        yield soft
