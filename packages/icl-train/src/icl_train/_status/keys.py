"""Single keys from a terminal."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["pressed_keys"]


@contextmanager
def pressed_keys() -> Iterator[Callable[[float], str]]:
    """Within ``with pressed_keys() as key``, ``key(seconds)`` waits that long for a key, and returns it or ``""``.

    Where the standard input is no terminal, or the system has none of this kind, it only waits.
    """
    with contextlib.ExitStack() as restore:
        if not _unbuffered(restore):
            yield _wait
            return
        yield _read


def _unbuffered(restore: contextlib.ExitStack) -> bool:
    try:
        import termios
        import tty
    except ImportError:  # Windows
        return False
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    restore.callback(termios.tcsetattr, descriptor, termios.TCSADRAIN, before)
    tty.setcbreak(descriptor)
    return True


def _read(seconds: float) -> str:
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    return os.read(sys.stdin.fileno(), 1).decode(errors="replace") if ready else ""


def _wait(seconds: float) -> str:
    time.sleep(seconds)
    return ""
