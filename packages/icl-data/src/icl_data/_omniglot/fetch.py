"""Getting the official zips of Omniglot."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from icl_data._omniglot.download import DownloadError, download, partial_file
from icl_data._omniglot.files import OmniglotError, Part
from icl_data._omniglot.progress import Progress
from icl_data.foundation.paths import describe
from icl_data.foundation.printable import printable
from icl_data.foundation.sealed import file_hash


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
        FetchError: no network, an answer that is not the official file, or a disk that fills up.
        OmniglotError: the folder holds another file of that name, or cannot be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise OmniglotError(f"the zips need a folder, got the file {str(folder)!r}; choose another place")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for part in parts:
            _fetch_part(folder / f"{part.name}.zip", f"{base.rstrip('/')}/{part.name}.zip", part, stream)
    except DownloadError as error:
        urls = " and ".join(part.url for part in parts)
        raise FetchError(f"{error}; run the command again, or download {urls} into {str(folder)!r}") from error
    except BrokenPipeError:  # nobody reads what is printed
        raise
    except OSError as error:
        raise OmniglotError(f"cannot write to {str(folder)!r}: {describe(error)}") from error


def _fetch_part(path: Path, url: str, part: Part, stream: TextIO) -> None:
    for there in (path, partial_file(path)):
        if there.exists() and not there.is_file():
            raise OmniglotError(f"{str(there)!r} is there already but is no file; move it away")
    if path.exists():
        if path.stat().st_size != part.n_bytes or file_hash(path) != part.sha256:
            raise OmniglotError(
                f"{str(path)!r} is there already but is not the official file; check it with "
                f"icl-data omniglot verify {str(path.parent)!r}, or move it away"
            )
        print(f"{printable(path)}: there already", file=stream)
        return
    print(f"fetching {printable(url)}", file=stream, flush=True)
    with contextlib.closing(Progress(stream, path.name, part.n_bytes)) as progress:
        download(url, path, n_bytes=part.n_bytes, sha256=part.sha256, report=progress)
    print(f"{printable(path)}: checksum right", file=stream)
