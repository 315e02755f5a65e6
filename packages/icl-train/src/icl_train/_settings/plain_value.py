"""A value as JSON holds it, held against the type of what it is for; the complaint names what it is for."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from pathlib import Path
from typing import Any

__all__ = ["short_value", "value_of_type"]

_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", Path: "a path"}
_NULL = type(None)
_LONGEST = 60


def value_of_type(hint: Any, value: Any, name: str) -> Any:
    """The value that a plain one stands for: of a list a tuple, of a text a path, where the type says so.

    JSON's kinds are kept apart: true is no number, 54.0 no whole number, "3" no number. Types that JSON knows nothing
    of, which a plugin's settings may have, are left to who has them.

    Args:
        hint: the type, of the built-in ones, ``Literal``, ``Path``, ``tuple``, ``dict``, dataclasses, unions.
        value: what `json.loads` gives.
        name: what complaints call it.

    Raises:
        ValueError: if it is no value of that type.
    """
    choices = _alternatives(hint)
    for choice in choices:
        kind = typing.get_origin(choice) or choice
        if kind is tuple and isinstance(value, list):
            return _items(typing.get_args(choice), value, name)
        if kind is dict and isinstance(value, dict):
            of = typing.get_args(choice)[1]
            return {key: value_of_type(of, item, f"{name}.{key}") for key, item in value.items()}
        if _is(choice, kind, value):
            return Path(value) if kind is Path else tuple(value) if isinstance(value, list) else value
    raise ValueError(f"{name} must be {' or '.join(map(_told, choices))}, got {short_value(value)}")


def short_value(value: object) -> str:
    """A value as a complaint shows it."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    told = json.dumps(value, default=str)
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 3]}..."


def _is(choice: Any, kind: Any, value: Any) -> bool:
    if kind is typing.Literal:
        return any(type(one) is type(value) and one == value for one in typing.get_args(choice))
    if kind is int or kind is bool or kind is _NULL:
        return type(value) is kind
    if kind is float:
        return type(value) is float or (type(value) is int and _has_float(value))
    if kind is str:
        return isinstance(value, str)
    if kind is Path:
        return isinstance(value, str) and bool(value)
    if kind in (tuple, dict):
        return False
    return not dataclasses.is_dataclass(kind) or isinstance(value, typing.cast(type, kind))


def _items(hints: tuple[Any, ...], values: list[Any], name: str) -> tuple[Any, ...]:
    if len(hints) == 2 and hints[1] is Ellipsis:
        hints = hints[:1] * len(values)
    if len(hints) != len(values):
        raise ValueError(f"{name} must be a list of {len(hints)}, got one of {len(values)}")
    return tuple(
        value_of_type(hint, value, f"{name}[{place}]")
        for place, (hint, value) in enumerate(zip(hints, values, strict=True))
    )


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) in (types.UnionType, typing.Union) else (hint,)


def _has_float(value: int) -> bool:
    try:
        float(value)
    except OverflowError:
        return False
    return True


def _told(hint: Any) -> str:
    kind = typing.get_origin(hint) or hint
    if kind is typing.Literal:
        return "one of " + ", ".join(map(str, typing.get_args(hint)))
    if kind is tuple:
        return "a list"
    if kind is dict:
        return "an object"
    if kind is _NULL:
        return "null"
    return "a group of settings" if dataclasses.is_dataclass(kind) else _WORDS.get(kind, str(kind))
