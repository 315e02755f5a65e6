"""Commands as people see them: on a terminal of a given width, or in a pipe."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-Z\\-_]|\x1b\][^\x07]*\x07")


def on_terminal(
    module: str, args: Sequence[str], *, width: int, cwd: Path, variables: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Exit code and what a terminal of ``width`` columns was sent, with its escape sequences, ends of lines as \\n."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    environment |= {"TERM": "xterm-256color", "ICL_CACHE": str(cwd / "cache"), **(variables or {})}
    with subprocess.Popen(
        [sys.executable, "-m", module, *args], stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, env=environment
    ) as process:
        os.close(theirs)
        sent = bytearray()
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux says so when the last writer has gone
                break
            if not piece:
                break
            sent += piece
        process.wait()
    os.close(ours)
    return process.returncode, sent.decode("utf-8", "replace").replace("\r\n", "\n")


def plain(text: str) -> str:
    """Without escape sequences."""
    return _CONTROL.sub("", text)
