"""The command `icl-data omniglot`: getting Omniglot, and looking after it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from icl_data._commands.exit_codes import exit_codes
from icl_data._omniglot.cache import fetched_folder
from icl_data._omniglot.fetch import FetchError, fetch
from icl_data._omniglot.files import OFFICIAL_BASE, OmniglotError, Part, find_store
from icl_data._omniglot.verify import verify
from icl_data.foundation.command_line import CommandFailed, path_option
from icl_data.foundation.printable import printable

_FETCH_CODES = exit_codes(
    "both zips are there",
    failed="the network, the server or a disk that fills up is to blame; run the command again to go on from there",
)
_VERIFY_CODES = exit_codes(
    "the official zips",
    failed="missing, damaged, incomplete or not only Omniglot",
    also="3 all images readable but not from the official zips",
)
_WHERE_CODES = exit_codes("Omniglot is there", failed="it is not")


def add_omniglot(commands: Any, parts: Sequence[Part]) -> None:
    """Add the command."""
    omniglot = commands.add_parser("omniglot", help="get Omniglot's images, check them, or say where they are")
    actions = omniglot.add_subparsers(dest="action", required=True)
    getting = actions.add_parser(
        "fetch", help="download the two official zips, 16 MB, and check them", epilog=_FETCH_CODES
    )
    getting.add_argument(
        "--to", type=path_option, metavar="FOLDER", help="where to put them (default: the cache folder)"
    )
    getting.add_argument("--url", default=OFFICIAL_BASE, metavar="BASE", help="a mirror (default: %(default)s)")
    getting.set_defaults(run=lambda options: _fetch(options, parts))
    checking = actions.add_parser("verify", help="read all images and compare checksums", epilog=_VERIFY_CODES)
    checking.add_argument("folder", nargs="?", type=path_option, help="default: where fetch puts the zips")
    checking.set_defaults(run=lambda options: int(verify(options.folder or fetched_folder(), parts, sys.stdout)))
    saying = actions.add_parser(
        "where", help="the folder that fetch fills and OmniglotSource() reads", epilog=_WHERE_CODES
    )
    saying.set_defaults(run=lambda options: _where(fetched_folder(), parts))


def _fetch(options: argparse.Namespace, parts: Sequence[Part]) -> int:
    if not options.url.startswith(("http://", "https://")):
        raise OmniglotError(f"--url must start with http:// or https://, got {options.url!r}")
    to: Path | None = options.to
    folder = to or fetched_folder()
    try:
        fetch(folder, options.url, parts, sys.stdout)
    except FetchError as error:
        raise CommandFailed(str(error)) from error
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt("run the same command again to go on") from stop
    print(f"Omniglot is ready: OmniglotSource({'' if to is None else repr(str(folder))})")
    return 0


def _where(folder: Path, parts: Sequence[Part]) -> int:
    print(printable(folder), flush=True)
    try:
        for part in parts:
            find_store(folder, part)
    except OmniglotError as error:
        raise CommandFailed(str(error)) from error
    return 0
