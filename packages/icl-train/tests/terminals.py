"""Commands on a terminal of a given size, and what its screen shows in the end."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time


class Terminal:
    """A process on a pseudo-terminal; killed with ``close``."""

    def __init__(self, command, *, columns, lines=24, **options):
        self.shown = ""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        environment |= {"TERM": "xterm", **options.pop("env", {})}
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl+C reaches it
            **options,
        )
        os.close(slave)

    def press(self, keys):
        """What a user types."""
        os.write(self._master, keys.encode())

    def until(self, text, seconds=100):
        """Read until the text was shown; everything shown so far, without escape sequences."""
        give_up = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < give_up, self.shown
            if not self._read():
                break
        assert text in self.shown, self.shown
        return self.shown

    def end(self, seconds=100):
        """Read to the end; the exit code."""
        give_up = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < give_up, self.shown
        return self.process.wait(seconds)

    def hang_up(self):
        """Close the terminal under the process."""
        os.close(self._master)
        self._master = None

    def close(self):
        """End the process, if the test has not."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self._master is not None:
            self.hang_up()

    def _read(self):
        ready, _, _ = select.select([self._master], [], [], 0.1)
        if not ready:
            return self.process.poll() is None
        try:
            text = os.read(self._master, 1 << 16).decode(errors="replace")
        except OSError:  # the other end is closed
            return False
        self.shown += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")
        return bool(text)
