"""The names of labelings and what they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

_ORDERED = re.compile(r"ordered(?P<offset>\d*)(?:_polysemy(?P<polysemy>\d+))?")
_VALID = "original, unfixed, novel, heldout, ordered, orderedK, ordered_polysemyX, orderedK_polysemyX"


@dataclass(frozen=True, kw_only=True)
class Labeling:
    """A parsed labeling.

    Attributes:
        rule: "original" (the class key), "ordered" (position among the classes of its type, shifted), "unfixed"
            (0..ways-1), "novel" (labels drawn per sequence) or "heldout" (the sets of labels that "novel" leaves out).
        offset: the shift K of ordered labels, None for the default of the class type.
        polysemy: labels per class X, 1 unless the name says so.
    """

    rule: Literal["original", "ordered", "unfixed", "novel", "heldout"]
    offset: int | None = None
    polysemy: int | None = None


@lru_cache(maxsize=256)
def parse_labeling(name: str) -> Labeling:
    """Read a labeling's name.

    Raises:
        ValueError: no labeling has that name.
    """
    if not isinstance(name, str):
        raise ValueError(f"labeling must be the name of one, got {name!r}")
    if name == "original":
        return Labeling(rule="original")
    if name == "unfixed":
        return Labeling(rule="unfixed")
    if name == "novel":
        return Labeling(rule="novel")
    if name == "heldout":
        return Labeling(rule="heldout")
    match = _ORDERED.fullmatch(name)
    if match is None or (match["polysemy"] and int(match["polysemy"]) == 0):
        raise ValueError(f"labeling must be one of {_VALID} (K >= 0, X >= 1 integers), got {name!r}")
    return Labeling(
        rule="ordered",
        offset=int(match["offset"]) if match["offset"] else None,
        polysemy=int(match["polysemy"]) if match["polysemy"] else None,
    )
