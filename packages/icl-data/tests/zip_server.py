"""A server on this machine that serves files well, or badly in a chosen way."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ZipServer(ThreadingHTTPServer):
    """Serves `files` (name to content).

    Attributes:
        manner: "whole", "break once" and "break" (the connection ends in the middle, the first time or always),
            "truncate" (half a file that claims to be all), "corrupt" (the right size, other bytes), "ignore range",
            "other range", or a status number.
        asked: (name, Range header or None) of each request.
    """

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.manner, self.asked = files, "whole", []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        """Address of the folder."""
        return f"http://127.0.0.1:{self.server_port}/python"


class _Handler(BaseHTTPRequestHandler):
    server: ZipServer

    def do_GET(self) -> None:
        name, asked_for = self.path.rpartition("/")[2], self.headers.get("Range")
        self.server.asked.append((name, asked_for))
        manner = self.server.manner
        if manner.isdigit():
            self.send_error(int(manner))
            return
        content = self.server.files[name]
        if manner == "truncate":
            content = content[: len(content) // 2]
        if manner == "corrupt":
            content = content[:-1] + bytes([content[-1] ^ 1])
        start = 0
        if asked_for and manner != "ignore range":
            start = int(re.fullmatch(r"bytes=(\d+)-", asked_for)[1])
            if start >= len(content):
                self.send_error(416)
                return
            start -= manner == "other range"
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        breaks = manner == "break" or (manner == "break once" and not asked_for)
        self.wfile.write(content[start : len(content) // 2] if breaks else content[start:])

    def log_message(self, *args: object) -> None:
        """Nothing: the tests look at `asked`."""
