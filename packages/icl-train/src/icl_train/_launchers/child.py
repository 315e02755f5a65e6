"""A process that trains the runs of a job."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

from icl_models import Job
from icl_train._intact.places import require_own_places

__all__ = ["LOG", "Child"]

LOG = "log.txt"
_LONGEST_LINE = 500


class Child:
    """Starts the command of a job, with its output in log.txt of its (first) run.

    The process is a session of its own: the terminal's Ctrl+C goes to whoever has started it alone, who passes it on
    once. Its standard input is a pipe that is held open here, so that it ends with this process, however that ends.

    Args:
        job: the job.

    Raises:
        OSError: a folder is gone or cannot be written to, or the system starts no more processes.
        RunError: there are links in one, through which something else would be written.
    """

    def __init__(self, job: Job) -> None:
        for folder in job.folders:
            require_own_places(folder)
        self._log = job.folders[0] / LOG
        with self._log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                job.command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": str(job.threads)},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def ended(self) -> str | None:
        """How the process ended, in words; None while it lives."""
        code = self._process.poll()
        if code is None:
            return None
        self._close()
        if code < 0:
            return f"by {_signal_name(-code)}"
        return f"with exit code {code}" + (f" ({words})" if code and (words := self._last_words()) else "")

    def terminate(self) -> None:
        """Ask for an end, with a checkpoint."""
        self._process.terminate()

    def kill(self) -> None:
        """End it, and what it started, at once."""
        if self._process.poll() is not None:
            return
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; whether it came within that many seconds."""
        try:
            self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return False
        self._close()
        return True

    def _last_words(self) -> str:
        """The last line that the process has printed, which says what was wrong where FAILED does not."""
        try:
            with self._log.open("rb") as log:
                log.seek(max(self._log_start, log.seek(0, os.SEEK_END) - _LONGEST_LINE))
                lines = log.read().decode(errors="replace").split("\n")
        except OSError:
            return ""
        return next((line for line in reversed(lines) if line.strip()), "")

    def _close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
