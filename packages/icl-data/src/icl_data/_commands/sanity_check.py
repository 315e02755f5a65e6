"""The command `icl-data sanity-check`: batches of the PyTorch loader against the released code's, field by field."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np

from icl_data._commands.exit_codes import exit_codes
from icl_data._released.sanity_cases import Case, Fields, recorded_cases
from icl_data._released.sanity_check import checked_rows, expected_fields, find_omniglot
from icl_data.foundation.command_line import CommandFailed, path_option
from icl_data.foundation.printable import one_line

_ROW = "{:<10}{:<12}{:>5}{:>11}  {:<32}{}"


def add_sanity_check(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "sanity-check",
        help="compare batches with those of the released code, field by field",
        epilog=exit_codes("all equal", failed="a difference"),
    )
    parser.add_argument(
        "--omniglot",
        type=path_option,
        metavar="FOLDER",
        help="Omniglot's images (default: the fetched ones, if they are there)",
    )
    parser.add_argument(
        "--reference",
        type=path_option,
        metavar="PATH",
        help="run the released code from this checkout, in the place of values recorded with it",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="with --reference: one seed for all streams")
    parser.add_argument("--sequences", type=int, metavar="N", help="with --reference: sequences in each stream")
    parser.set_defaults(run=sanity_check)


def sanity_check(options: argparse.Namespace) -> int:
    """Print a row for each source and kind of sequence.

    Raises:
        CommandFailed: with the first difference.
        ImportError, OSError, ValueError: the check cannot be made as it was asked for.
    """
    import_module("icl_data.torch")
    cases = _chosen_cases(options)
    folder, reason = find_omniglot(options.omniglot)
    if folder is None:
        cases = [case for case in cases if case.is_symbolic]
    expected = expected_fields(options.reference, cases, folder)
    against = "the released code itself" if options.reference else "values recorded with the released code"
    print(f"icl-data {version('icl-data')}, NumPy {np.__version__}, PyTorch {version('torch')}")
    print(f"batches of the PyTorch loader against {against}\n")
    print(_ROW.format("source", "kind", "cases", "sequences", "fields", "equal"))
    for row in checked_rows(cases, expected, folder):
        equal = "NO" if row.difference else "yes"
        counts = row.n_cases, f"{row.n_sequences:,}"
        print(_ROW.format(row.source, row.kind, *counts, " ".join(Fields._fields), equal), flush=True)
        if row.difference:
            raise CommandFailed(row.difference)
    print(f"\nall equal: {len(cases)} cases, {sum(case.n for case in cases):,} sequences")
    if folder is None:
        print(f"omniglot skipped: {one_line(reason)}")
    return 0


def _chosen_cases(options: argparse.Namespace) -> Sequence[Case]:
    changes = {"seed": options.seed, "n": options.sequences}
    changes = {name: value for name, value in changes.items() if value is not None}
    if changes and not options.reference:
        raise ValueError("--seed and --sequences go with --reference, because recorded values have their own")
    if not 0 <= changes.get("seed", 0) < 2**32:
        raise ValueError(f"--seed must be in 0..{2**32 - 1}, got {options.seed}")
    if changes.get("n", 1) < 1:
        raise ValueError(f"--sequences must be at least 1, got {options.sequences}")
    return [replace(case, **changes) for case in recorded_cases()]
