"""Getting the official zips of Omniglot."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from icl_data._omniglot.download import DownloadError, download, file_sha256
from icl_data._omniglot.files import OmniglotError, Part
from icl_data._omniglot.progress import Progress


class FetchError(OmniglotError):
    """The zips cannot be had from where they were looked for."""


def fetch(folder: Path, base: str, parts: Sequence[Part], stream: TextIO) -> None:
    """Download the zips that are not in a folder yet, and check them.

    Args:
        folder: where they go; made if need be.
        base: address of the folder that serves them.
        parts: what they are.
        stream: where progress is told.

    Raises:
        FetchError: no network, or an answer that is not the official file.
        OmniglotError: the folder holds another file of that name, or cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for part in parts:
            _fetch_part(folder / f"{part.name}.zip", f"{base.rstrip('/')}/{part.name}.zip", part, stream)
    except DownloadError as error:
        urls = " and ".join(part.url for part in parts)
        raise FetchError(f"{error}; run the command again, or download {urls} into {str(folder)!r}") from error
    except OSError as error:
        raise OmniglotError(f"cannot write to {str(folder)!r}: {error}") from error


def _fetch_part(path: Path, url: str, part: Part, stream: TextIO) -> None:
    if path.exists():
        if path.stat().st_size != part.n_bytes or file_sha256(path) != part.sha256:
            raise OmniglotError(
                f"{str(path)!r} is there already but is not the official file; check it with "
                f"icl-data omniglot verify {str(path.parent)!r}, or move it away"
            )
        print(f"{path}: there already", file=stream)
        return
    print(f"fetching {url}", file=stream, flush=True)
    with contextlib.closing(Progress(stream, path.name, part.n_bytes)) as progress:
        download(url, path, n_bytes=part.n_bytes, sha256=part.sha256, report=progress)
    print(f"{path}: checksum right", file=stream)
