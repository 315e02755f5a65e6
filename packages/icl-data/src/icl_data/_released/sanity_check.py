"""The command `icl-data sanity-check`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from icl_data._omniglot.cache import fetched_folder
from icl_data._omniglot.files import OmniglotError
from icl_data._omniglot.source import OmniglotSource
from icl_data._released.sanity_batch import first_difference
from icl_data._released.sanity_cases import KINDS, Case, Fields, SanityError, recorded_cases, recorded_fields
from icl_data._released.sanity_released import ReleasedCode
from icl_data._sources.augmented import Augmented
from icl_data._sources.source import Source, SymbolicSource

Expected = Callable[[Case], Fields]
_EPILOG = "exit codes: 0 all equal, 1 a difference, 2 a mistake in the command or PyTorch missing"
_ROW = "{:<10}{:<12}{:>5}{:>11}  {:<32}{}"


def add_sanity_check(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "sanity-check", help="compare batches with those of the released code, field by field", epilog=_EPILOG
    )
    parser.add_argument(
        "--omniglot",
        type=Path,
        metavar="FOLDER",
        help="Omniglot's images (default: the fetched ones, if they are there)",
    )
    parser.add_argument(
        "--reference",
        type=Path,
        metavar="PATH",
        help="run the released code from this checkout, in the place of values recorded with it",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="with --reference: one seed for all streams")
    parser.add_argument("--sequences", type=int, metavar="N", help="with --reference: sequences in each stream")
    parser.set_defaults(run=lambda options: sanity_check(options, sys.stdout))


def sanity_check(options: argparse.Namespace, out: TextIO) -> int:
    """Run it.

    Returns:
        0 if all is equal, 1 at the first difference, 2 after a mistake.
    """
    try:
        import_module("icl_data.torch")
        cases = _chosen_cases(options)
        folder, reason = _find_omniglot(options.omniglot)
        if folder is None:
            cases = [case for case in cases if case.is_symbolic]
        expected = _expected(options, cases, folder)
        against = "the released code itself" if options.reference else "values recorded with the released code"
        print(f"icl-data {version('icl-data')}, NumPy {np.__version__}, PyTorch {version('torch')}", file=out)
        print(f"batches of the PyTorch loader against {against}\n", file=out)
        difference = _compare(cases, expected, folder, out)
    except (SanityError, OmniglotError, ImportError) as error:
        print(f"icl-data: {error}", file=sys.stderr)
        return 2
    if difference:
        out.flush()
        print(f"icl-data: {difference}", file=sys.stderr)
        return 1
    print(f"\nall equal: {len(cases)} cases, {sum(case.n for case in cases):,} sequences", file=out)
    if folder is None:
        print(f"omniglot skipped: {reason}", file=out)
    return 0


def _chosen_cases(options: argparse.Namespace) -> list[Case]:
    changes = {"seed": options.seed, "n": options.sequences}
    changes = {name: value for name, value in changes.items() if value is not None}
    if changes and not options.reference:
        raise SanityError("--seed and --sequences go with --reference, because recorded values have their own")
    if not 0 <= changes.get("seed", 0) < 2**32:
        raise SanityError(f"--seed must be in 0..{2**32 - 1}, got {options.seed}")
    if changes.get("n", 1) < 1:
        raise SanityError(f"--sequences must be at least 1, got {options.sequences}")
    return [replace(case, **changes) for case in recorded_cases()]


def _find_omniglot(folder: Path | None) -> tuple[Path | None, str]:
    """The folder of the images, or None and the reason."""
    try:
        found = fetched_folder() if folder is None else folder.expanduser()
        OmniglotSource(found, packed=True)
    except OmniglotError as error:
        if folder is not None:
            raise
        return None, str(error)
    return found, ""


def _expected(options: argparse.Namespace, cases: Sequence[Case], omniglot: Path | None) -> Expected:
    if options.reference is None:
        return recorded_fields
    fields = ReleasedCode(options.reference.expanduser(), omniglot).fields(cases)
    return lambda case: fields[case.name]


def _compare(cases: Sequence[Case], expected: Expected, omniglot: Path | None, out: TextIO) -> str | None:
    """Print a row per source and kind; the first difference, if there is one."""
    print(_ROW.format("source", "kind", "cases", "sequences", "fields", "equal"), file=out)
    sources: dict[str, Source] = {}
    for type_, kind in product(("symbolic", "omniglot"), KINDS):
        row = [case for case in cases if (case.source["type"], case.kind) == (type_, kind)]
        differences = (_difference(case, sources, expected(case), omniglot) for case in row)
        difference = next(filter(None, differences), None)
        if row:
            fields, n = " ".join(Fields._fields), sum(case.n for case in row)
            print(_ROW.format(type_, kind, len(row), f"{n:,}", fields, "NO" if difference else "yes"), file=out)
        if difference:
            return difference
    return None


def _difference(case: Case, sources: dict[str, Source], expected: Fields, omniglot: Path | None) -> str | None:
    name = json.dumps(case.source)
    if name not in sources:
        sources[name] = _source(case, omniglot)
    found = first_difference(case, sources[name], expected)
    return found and f"{case.name}: {found}"


def _source(case: Case, omniglot: Path | None) -> Source:
    made = case.source
    if case.is_symbolic:
        return SymbolicSource(made["dataset_size"])
    source = OmniglotSource(omniglot, made["omniglot_split"], made["exemplars"], made["n_to_keep"], packed=True)
    return Augmented(source) if made["augment_images"] else source
