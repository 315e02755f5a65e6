"""A run that ends with the process that started it, however that one ends."""

from __future__ import annotations

import os
import signal
import threading
import time

from icl_train._runs.interrupt import GRACE_SECONDS

__all__ = ["end_with_stdin"]


def end_with_stdin(*, grace: float = GRACE_SECONDS) -> None:
    """From now on, the end of the standard input ends this process: by SIGTERM, and after ``grace`` seconds by SIGKILL.

    Whoever holds the other end of a pipe need not do anything: the system closes it, also after ``kill -9``. Code that
    reads the standard input from here on finds it empty.

    Args:
        grace: seconds for the last update and its checkpoint.
    """
    pipe = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    threading.Thread(target=_watch, args=(pipe, grace), name="end with stdin", daemon=True).start()


def _watch(pipe: int, grace: float) -> None:
    while os.read(pipe, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
