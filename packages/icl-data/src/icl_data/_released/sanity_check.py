"""Batches of the PyTorch loader against what the released code gave, or gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

from icl_data._omniglot.cache import fetched_folder
from icl_data._omniglot.files import OmniglotError
from icl_data._omniglot.source import OmniglotSource
from icl_data._released.sanity_batch import first_difference
from icl_data._released.sanity_cases import KINDS, Case, Fields, recorded_fields
from icl_data._released.sanity_released import ReleasedCode
from icl_data._sources.augmented import Augmented
from icl_data._sources.source import Source, SymbolicSource

Expected = Callable[[Case], Fields]


class Row(NamedTuple):
    """All cases of one source and kind of sequence.

    Attributes:
        source: "symbolic" or "omniglot".
        kind: one of `KINDS`.
        n_cases, n_sequences: how many.
        difference: the first one, in one line that begins with its case; None if all is equal.
    """

    source: str
    kind: str
    n_cases: int
    n_sequences: int
    difference: str | None


def find_omniglot(folder: Path | None) -> tuple[Path | None, str]:
    """The folder of the images, None for the fetched ones; or None and the reason why those cannot be had.

    Raises:
        OmniglotError: a folder is named and holds no Omniglot.
    """
    try:
        found = fetched_folder() if folder is None else folder
        OmniglotSource(found, packed=True)
    except OmniglotError as error:
        if folder is not None:
            raise
        return None, str(error)
    return found, ""


def expected_fields(reference: Path | None, cases: Sequence[Case], omniglot: Path | None) -> Expected:
    """What each case should give: the recorded values, or what a checkout of the released code draws now.

    Raises:
        SanityError: there is no such checkout, or it fails.
    """
    if reference is None:
        return recorded_fields
    fields = ReleasedCode(reference, omniglot).fields(cases)
    return lambda case: fields[case.name]


def checked_rows(cases: Sequence[Case], expected: Expected, omniglot: Path | None) -> Iterator[Row]:
    """Compare all cases, those of one source and kind after those of another.

    Args:
        cases: what to draw.
        expected: what it should be.
        omniglot: folder of the images; None if no case needs them.
    """
    sources: dict[str, Source] = {}
    for type_, kind in product(("symbolic", "omniglot"), KINDS):
        row = [case for case in cases if (case.source["type"], case.kind) == (type_, kind)]
        if row:
            differences = (_difference(case, sources, expected(case), omniglot) for case in row)
            yield Row(type_, kind, len(row), sum(case.n for case in row), next(filter(None, differences), None))


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
