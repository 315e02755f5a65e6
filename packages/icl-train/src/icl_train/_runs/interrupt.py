"""Signals end a run between two updates, so that a checkpoint of the last one can be written."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

__all__ = ["GRACE_SECONDS", "StopRequest"]

GRACE_SECONDS = 30.0
"""How long a run that was asked to end has for its last update and a checkpoint."""

# Ctrl+C and `kill`; then what comes when a terminal is closed and what clusters send before their time is up, which
# are taken only where nobody else has: a scheduler's own handler of SIGUSR1 in this process stays.
_ALWAYS = ("SIGINT", "SIGTERM")
_WHERE_FREE = ("SIGHUP", "SIGUSR1", "SIGUSR2")


class StopRequest:
    """Within ``with StopRequest() as stop``, SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 ask for an end.

    The first one sets ``stop.requested``. Ctrl+C after that sets ``stop.insisted`` and, unless ``at_once`` is False,
    raises KeyboardInterrupt; the others are repeated by whoever passes them on, and change nothing more. A signal that
    was ignored before (``nohup``) is still ignored. Signals can be caught in the main thread alone; in any other, this
    does nothing.

    Attributes:
        requested: somebody has asked for an end.
        insisted: Ctrl+C came after that.
    """

    def __init__(self, *, at_once: bool = True) -> None:
        self.requested = self.insisted = False
        self._at_once = at_once
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for name in (*_ALWAYS, *_WHERE_FREE):
                number: signal.Signals | None = getattr(signal, name, None)  # Windows has two of them
                if number is not None and _ours_to_take(number, name):
                    self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            self.insisted = True
            if self._at_once:
                raise KeyboardInterrupt
        self.requested = True


def _ours_to_take(number: signal.Signals, name: str) -> bool:
    handler = signal.getsignal(number)
    if name in _ALWAYS:
        return handler not in (signal.SIG_IGN, None)  # None: set by code that is not Python's
    return handler == signal.SIG_DFL
