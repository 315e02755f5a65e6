"""Commands of this Python's environment, and trainings that end when their time is up and go on another time."""

from __future__ import annotations

import argparse
import math
import shlex
import signal
import subprocess
import sysconfig
import time
from pathlib import Path

__all__ = ["MINUTES", "command", "minutes", "trained_until"]

MINUTES = 60.0
"""How long a session trains if nothing else is said."""


def minutes(text: str) -> float:
    """The minutes of an option, for argparse.

    Raises:
        argparse.ArgumentTypeError: for what is no time.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"must be 0 or more, got {text}")
    return value


def command(*words: object) -> list[str]:
    """A command of this Python's environment, said as it begins."""
    print(f"$ {shlex.join(map(str, words))}", flush=True)
    name, *args = map(str, words)
    return [str(Path(sysconfig.get_path("scripts")) / name), *args]


def trained_until(until: float, *words: object) -> bool:
    """Whether a command has ended well by then; else it is asked to end, as by Ctrl+C.

    Args:
        until: as of `time.monotonic`.
        words: of the command.

    Raises:
        subprocess.CalledProcessError: if it failed.
    """
    if time.monotonic() >= until:
        return False
    process = subprocess.Popen(command(*words))
    try:
        code = process.wait(timeout=until - time.monotonic())
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        process.wait()
        return False
    if code:
        raise subprocess.CalledProcessError(code, process.args)
    return True
