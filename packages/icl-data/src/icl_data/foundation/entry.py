"""How the four commands begin and end: Ctrl+C, at any moment from here on, is one line and exit code 130.

This module imports next to nothing, so that it can be in place before anything else is imported.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys

TYPE_CHECKING = False  # typing's own is not there before it is imported, which takes as long as all the rest
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any, NoReturn

__all__ = ["enter", "is_interrupted"]

_INTERRUPTED = 130
_began: _Entry | None = None


def enter(prog: str, command: Callable[[], int]) -> int:
    """Import and run a command of this process; returns its exit code.

    The first Ctrl+C raises KeyboardInterrupt, whatever the code makes of that which it meets; where it is swallowed, as
    in what a library calls back, and at the second one, the process ends at once. When the command is done, Ctrl+C ends
    what is left of the process at once, with the exit code of the command.

    Args:
        prog: the program's name.
        command: imports what it needs and returns the exit code.
    """
    global _began
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # ignored (nohup), or somebody else's
        return command()
    _began = entry = _Entry(prog)
    # The last of what is done at the end, since it is the first to be registered: what is left of the process is
    # Python's own end, which a Ctrl+C would make one by a signal.
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGINT, entry.on_signal)
    sys.unraisablehook = entry.on_swallowed
    try:
        code = command()
    except KeyboardInterrupt:
        code = entry.say()
    except Exception:
        if not entry.asked:
            raise
        code = entry.say()
    entry.code = code
    if entry.asked:
        # Python would end by the signal itself if code that was compiled from text, as dataclasses are, has met it.
        atexit._run_exitfuncs()
        entry.end(code)
    return code


def is_interrupted() -> bool:
    """Whether Ctrl+C has asked this process for its end, also where an import has made another error of it."""
    return _began is not None and _began.asked


class _Entry:
    """What becomes of Ctrl+C in this process.

    Attributes:
        asked: it has come.
        code: of a command that is done.
    """

    def __init__(self, prog: str) -> None:
        self._prog, self.asked = prog, False
        self.code: int | None = None
        self._hook = sys.unraisablehook

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.code is not None:
            self.end(self.code)
        if self.asked:
            self.end(self.say())
        self.asked = True
        raise KeyboardInterrupt

    def on_swallowed(self, swallowed: Any) -> None:
        """An exception that Python can raise nowhere: of a Ctrl+C, it is no less a wish."""
        if issubclass(swallowed.exc_type, KeyboardInterrupt):
            self.end(self.say())
        self._hook(swallowed)

    def say(self) -> int:
        """Say it; returns the exit code."""
        print(f"{self._prog}: interrupted", file=sys.stderr, flush=True)
        return _INTERRUPTED

    @staticmethod
    def end(code: int) -> NoReturn:
        """End the process now."""
        os._exit(code)
