"""What a file or a caller gave, as a message can show it: on one line of bounded length, however large or deep."""

from __future__ import annotations

from reprlib import Repr
from typing import Any

_REPR = Repr()
_REPR.maxlevel = 4
_REPR.maxtuple = _REPR.maxlist = _REPR.maxdict = _REPR.maxset = 8
_REPR.maxstring, _REPR.maxlong, _REPR.maxother = 80, 60, 120


def shown(value: Any) -> str:
    """As `repr`, with the middle of what is long left out."""
    try:
        return _REPR.repr(value)
    except ValueError:  # a whole number with more digits than Python writes
        return f"a number of {value.bit_length():,} bits" if isinstance(value, int) else type(value).__name__
