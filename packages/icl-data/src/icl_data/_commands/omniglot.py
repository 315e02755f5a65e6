"""The command `icl-data omniglot`: getting Omniglot, and looking after it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from icl_data._omniglot.cache import fetched_folder
from icl_data._omniglot.fetch import FetchError, fetch
from icl_data._omniglot.files import OFFICIAL_BASE, OmniglotError, Part, find_store
from icl_data._omniglot.verify import verify

_EXIT_CODES = """\
exit codes: 0 the official zips, 1 missing, damaged or incomplete, 2 a mistake in the command,
3 all images readable but not from the official zips"""


def add_omniglot(commands: Any, parts: Sequence[Part]) -> None:
    """Add the command."""
    omniglot = commands.add_parser("omniglot", help="get Omniglot's images, check them, or say where they are")
    omniglot.set_defaults(run=lambda options: _run(options, parts))
    actions = omniglot.add_subparsers(dest="action", required=True)
    getting = actions.add_parser("fetch", help="download the two official zips, 16 MB, and check them")
    getting.add_argument("--to", type=_folder, metavar="FOLDER", help="where to put them (default: the cache folder)")
    getting.add_argument("--url", default=OFFICIAL_BASE, metavar="BASE", help="a mirror (default: %(default)s)")
    checking = actions.add_parser("verify", help="read all images and compare checksums", epilog=_EXIT_CODES)
    checking.add_argument("folder", nargs="?", type=_folder, help="default: where fetch puts the zips")
    actions.add_parser("where", help="the folder that fetch fills and OmniglotSource() reads; exit code 1 if empty")


def _run(options: argparse.Namespace, parts: Sequence[Part]) -> int:
    try:
        if options.action == "fetch":
            return _fetch(options.to, options.url, parts)
        folder = fetched_folder() if options.action == "where" else options.folder or fetched_folder()
        return _where(folder, parts) if options.action == "where" else int(verify(folder, parts, sys.stdout))
    except OmniglotError as error:
        print(f"icl-data: {error}", file=sys.stderr)
        return 1 if isinstance(error, FetchError) else 2
    except KeyboardInterrupt:
        print("icl-data: stopped; run the same command again to go on", file=sys.stderr)
        return 130


def _folder(text: str) -> Path:
    return Path(text).expanduser()


def _fetch(to: Path | None, url: str, parts: Sequence[Part]) -> int:
    if not url.startswith(("http://", "https://")):
        raise OmniglotError(f"--url must start with http:// or https://, got {url!r}")
    folder = to or fetched_folder()
    fetch(folder, url, parts, sys.stdout)
    print(f"Omniglot is ready: OmniglotSource({'' if to is None else repr(str(folder))})")
    return 0


def _where(folder: Path, parts: Sequence[Part]) -> int:
    print(folder)
    try:
        for part in parts:
            find_store(folder, part)
    except OmniglotError as error:
        print(f"icl-data: {error}", file=sys.stderr)
        return 1
    return 0
