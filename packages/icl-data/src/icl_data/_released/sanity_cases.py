"""The cases of the sanity check, and what the released code gave for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

KINDS = ("bursty", "no_support", "random", "fewshot", "mixed")
RECORDED = ("examples", "labels", "is_rare")
_FOLDER = files("icl_data") / "recorded"


class SanityError(ValueError):
    """The check cannot be made as it was asked for."""


class Fields(NamedTuple):
    """B sequences of length L as a loader gives them.

    Attributes:
        examples: (B, L) ids, or checksums of images.
        labels, is_rare: (B, L).
        target: (B, 2L - 1), labels and zeros in turn.
    """

    examples: npt.NDArray[Any]
    labels: npt.NDArray[Any]
    target: npt.NDArray[Any]
    is_rare: npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One seeded stream.

    Attributes:
        name: what it varies.
        source: "type", and what `SymbolicSource` or `OmniglotSource` and the released code's classes are made with.
        generator: arguments of `SeqGenerator`.
        kind: one of `KINDS`.
        args: arguments of its iterator.
        seed: seed of both random streams.
        n: sequences recorded.
        seq_len: their length.
    """

    name: str
    source: dict[str, Any]
    generator: dict[str, Any]
    kind: str
    args: dict[str, Any]
    seed: int
    n: int
    seq_len: int

    @property
    def is_symbolic(self) -> bool:
        """Whether examples are ids."""
        return bool(self.source["type"] == "symbolic")


@cache
def recorded_cases() -> tuple[Case, ...]:
    """All cases."""
    return tuple(Case(**case) for case in json.loads((_FOLDER / "cases.json").read_text(encoding="utf-8")))


def recorded_fields(case: Case) -> Fields:
    """What the released code gave for a case."""
    examples, labels, is_rare = _recorded_arrays()[case.name]
    return Fields(examples, labels, interleaved(labels), is_rare)


def interleaved(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(B, 2L - 1): label, 0, label, ..., label."""
    target = np.zeros((len(labels), 2 * labels.shape[1] - 1), dtype=labels.dtype)
    target[:, ::2] = labels
    return target


@cache
def _recorded_arrays() -> dict[str, list[npt.NDArray[Any]]]:
    with (_FOLDER / "fields.npz").open("rb") as file, np.load(file) as arrays:
        whole = [arrays[name] for name in RECORDED]  # the cases' positions, one after the other
    cases = recorded_cases()
    ends = np.cumsum([case.n * case.seq_len for case in cases])
    split = [np.split(array, ends[:-1]) for array in whole]
    return {
        case.name: [part.reshape(case.n, case.seq_len) for part in parts]
        for case, *parts in zip(cases, *split, strict=True)
    }
