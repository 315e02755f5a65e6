"""JSON as this project writes it, from files that anybody may have written: what JSON leaves open is closed here."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from icl_data.foundation.printable import one_line

__all__ = ["read_json"]

_DEEPEST = 50
_MARKS = {b"\xef\xbb\xbf": "UTF-8 with a byte order mark", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def read_json(content: bytes) -> Any:
    """The value in the content of a file.

    Args:
        content: UTF-8 without a byte order mark.

    Raises:
        ValueError: if it is no JSON, has a name twice in an object, is nested deeper than anything that this project
            writes, or has text that no system can encode; in one line.
    """
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            raise ValueError(f"it must be JSON in UTF-8, got {encoding}")
    try:
        value = json.loads(content.decode("utf-8"), object_pairs_hook=_object)
    except RecursionError:
        raise ValueError(f"it must be JSON nested at most {_DEEPEST} deep, got more") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it must be JSON: {one_line(error)}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"it must be JSON in UTF-8: {error.reason} at byte {error.start}") from None
    except ValueError as error:
        if "digits" not in str(error):
            raise
        most = sys.get_int_max_str_digits()  # Python's own, as longer ones take time that grows with their square
        raise ValueError(f"it must have numbers of at most {most} digits, got more") from None
    for text in _texts(value):
        try:
            text.encode("utf-8", "surrogateescape")  # names of files, which need be no UTF-8, are kept so
        except UnicodeEncodeError:
            raise ValueError(f"it must have text that can be encoded, got {ascii(text)[:60]}") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"it must have each name once, got {one_line(ascii(twice))[:60]} twice")
    return found


def _texts(value: Any) -> Iterator[str]:
    """All texts and names in a value; ValueError where it is nested too deeply."""
    left = [(value, 0)]
    while left:
        one, depth = left.pop()
        if depth > _DEEPEST:
            raise ValueError(f"it must be JSON nested at most {_DEEPEST} deep, got more")
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            yield from one
            left += [(inner, depth + 1) for inner in one.values()]
        elif isinstance(one, list):
            left += [(inner, depth + 1) for inner in one]
