"""One file over HTTP: resumed where it broke off, checked, and moved into place when it is whole."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from icl_data.foundation.paths import describe, errors_about
from icl_data.foundation.printable import one_line
from icl_data.foundation.sealed import file_hash

ATTEMPTS = 5
_CHUNK = 1 << 16
_SECONDS_WITHOUT_A_BYTE = 30
_NUMBER = r"[0-9]{1,18}"
_RANGE = re.compile(rf"bytes ({_NUMBER})-{_NUMBER}/({_NUMBER}|\*)$")


class DownloadError(Exception):
    """The file could not be had or kept; what arrived of it, if that may be of use, waits for the next call."""


class _Interrupted(Exception):
    """A connection that may do better when it is opened again."""


def download(url: str, path: Path, *, n_bytes: int, sha256: str, report: Callable[[int], None]) -> None:
    """Get a file. Bytes go into `path` with the ending .part, where a later call finds them.

    Args:
        url: an http or https address.
        path: where the file will be, whole and checked or not at all.
        n_bytes, sha256: what the file must be.
        report: called with the number of bytes that are there, again and again.

    Raises:
        DownloadError: no connection, an answer that is no such file, a connection that breaks again and again, or a
            disk that fills up.
        OSError: the file cannot be begun or moved into place.
    """
    partial = partial_file(path)
    with errors_about(path, instead_of=partial):
        _download(url, path, partial, n_bytes, sha256, report)


def partial_file(path: Path) -> Path:
    """Where the bytes of a file wait until they are all there."""
    return path.with_name(f"{path.name}.part")


def _download(url: str, path: Path, partial: Path, n_bytes: int, sha256: str, report: Callable[[int], None]) -> None:
    reason = ""
    for _ in range(ATTEMPTS):
        had = _size(partial)
        if had > n_bytes:
            partial.unlink()
            continue
        try:
            if had < n_bytes:
                _receive(url, partial, had, n_bytes, report)
        except _Interrupted as error:
            if _size(partial) == had:
                raise DownloadError(f"{error}, {had:,} of {n_bytes:,} bytes are here") from error
            reason = str(error)
            continue
        found = file_hash(partial)
        if found == sha256:
            os.replace(partial, path)
            return
        partial.unlink()
        reason = f"{url} has the SHA-256 {found} instead of {sha256}"
        if not had:  # else bytes of an earlier call may be the wrong ones
            break
    raise DownloadError(reason)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _receive(url: str, partial: Path, had: int, n_bytes: int, report: Callable[[int], None]) -> None:
    headers = {"Accept-Encoding": "identity", "User-Agent": "icl-data"}
    request = urllib.request.Request(url, headers=headers | ({"Range": f"bytes={had}-"} if had else {}))
    with contextlib.closing(_open(request, partial)) as response:
        start, total = _offer(response)
        if total not in (None, n_bytes):
            raise DownloadError(f"{url} has {total:,} bytes instead of {n_bytes:,}")
        if start not in (0, had):
            partial.unlink()
            raise _Interrupted(f"{url} answered with another range than was asked for")
        file = partial.open("ab" if start else "wb")
        try:
            while start < n_bytes:
                chunk = _read(response, min(_CHUNK, n_bytes - start))
                with _disk(partial):
                    file.write(chunk)
                start += len(chunk)
                report(start)
            with _disk(partial):
                file.flush()
                os.fsync(file.fileno())
        finally:
            with _disk(partial):
                file.close()


@contextlib.contextmanager
def _disk(partial: Path) -> Iterator[None]:
    """What a disk answers when it fills up is no mistake in the command."""
    try:
        with errors_about(partial):
            yield
    except OSError as error:
        raise DownloadError(f"{describe(error)}; what has arrived is kept") from error


def _open(request: urllib.request.Request, partial: Path) -> http.client.HTTPResponse:
    url = request.full_url
    try:
        # Addresses are ours, or begin with http(s):// as `omniglot fetch --url` asks.
        response = urllib.request.urlopen(request, timeout=_SECONDS_WITHOUT_A_BYTE)  # nosec B310
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 416:  # the range cannot be had: what is there is of another file
                raise DownloadError(f"{url} answered {error.code} {error.reason}") from error
            partial.unlink()
            raise _Interrupted(f"{url} answered {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(f"cannot reach {url} ({_one_line(error)})") from error
    if not isinstance(response, http.client.HTTPResponse):  # a server may send on to ftp:
        response.close()
        raise DownloadError(f"{url} answered with {response.url}, which is neither http nor https")
    return response


def _offer(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """First byte of an answer and bytes of the whole file, if they are told."""
    if response.status == 206:
        match = _RANGE.match(response.headers.get("Content-Range", ""))
        if match is None:
            return -1, None
        return int(match[1]), None if match[2] == "*" else int(match[2])
    told = response.headers.get("Content-Length", "")
    return 0, int(told) if re.fullmatch(_NUMBER, told) else None


def _read(response: http.client.HTTPResponse, n_bytes: int) -> bytes:
    try:
        chunk = response.read(n_bytes)
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(f"{response.url} broke off ({_one_line(error)})") from error
    if not chunk:
        raise _Interrupted(f"{response.url} broke off")
    return chunk


def _one_line(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return one_line(reason) or type(reason).__name__
