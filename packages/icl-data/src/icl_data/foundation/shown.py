"""What a file or a caller gave, as a message can show it: on one line of bounded length, however large or deep."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Number
from reprlib import Repr
from typing import Any

_REPR = Repr()
_REPR.maxlevel = 4
_REPR.maxtuple = _REPR.maxlist = _REPR.maxdict = _REPR.maxset = 8
_REPR.maxstring, _REPR.maxlong, _REPR.maxother = 80, 60, 120

_KINDS: tuple[tuple[tuple[type, ...], str], ...] = (
    ((type(None),), "nothing"),
    ((bool,), "true or false"),
    ((Number,), "a number"),
    ((str,), "text"),
    ((bytes, bytearray, memoryview), "bytes"),
    ((list,), "a list"),
    ((tuple,), "a tuple"),
    ((set, frozenset), "a set"),
    ((Mapping,), "a dict"),
)


def shown(value: Any) -> str:
    """As `repr` shows `value`, with the middle of what is long left out."""
    try:
        return _REPR.repr(value)
    except ValueError:  # a whole number with more digits than Python writes
        return f"a number of {value.bit_length():,} bits" if isinstance(value, int) else kind_in_words(value)


def kind_in_words(value: object) -> str:
    """What sort of thing a value is: "a list", "nothing"; of a class that is nobody's plain value, "another object"."""
    for kinds, words in _KINDS:
        if isinstance(value, kinds):
            return words
    return "an array" if hasattr(value, "__array__") else "another object"
