"""The command `icl-data`: looking at sequences, measuring and checking them; Omniglot."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from icl_data._commands.omniglot import add_omniglot
from icl_data._commands.sanity_check import add_sanity_check
from icl_data._commands.show import add_show
from icl_data._commands.stats import add_stats
from icl_data._omniglot.files import PARTS, Part
from icl_data.foundation.command_line import OneLineParser, run_command


def main(argv: Sequence[str] | None = None, *, parts: Sequence[Part] = PARTS) -> int:
    """Run the command.

    Args:
        argv: arguments; None for those of the process.
        parts: what Omniglot's zips must be.

    Returns:
        0; 1 if what was rightly asked for failed: the network, a disk, damaged files, a difference; 2 for a mistake in
        the command, after which nothing was written; 3 from verify, see there; 130 after Ctrl+C; 141 if nobody reads
        the output on.
    """
    return run_command(lambda args: _run(args, parts), "icl-data", argv)


def _run(args: Sequence[str], parts: Sequence[Part]) -> int:
    options = _parser(parts).parse_args(args)
    code: int = options.run(options)
    return code


def _parser(parts: Sequence[Part]) -> argparse.ArgumentParser:
    summary = "Data for studying in-context learning."
    parser: argparse.ArgumentParser = OneLineParser(prog="icl-data", description=summary)
    commands = parser.add_subparsers(dest="command", required=True)
    add_show(commands)
    add_stats(commands)
    add_sanity_check(commands)
    add_omniglot(commands, parts)
    return parser
