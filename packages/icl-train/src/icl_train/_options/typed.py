"""Values as people write them, or as files and other code hold them, made into those of a setting's type."""

from __future__ import annotations

import contextlib
import io
import json
import typing
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import tyro

from icl_train._options.table import Option
from icl_train._options.values import item_types, kind_of_value, value_as_text, values_as_text

__all__ = ["short_json", "typed_value"]

_LONGEST = 60


def typed_value(option: Option, value: Any, name: str) -> Any:
    """A setting's value, of the type that its field has.

    Args:
        option: the setting.
        value: as text, as a command line has it, or as JSON or Python have it: ``"1e5"``, ``100_000``, ``[0, 10]``.
        name: what the setting is called in a complaint.

    Raises:
        ValueError: if it can be no value of this setting.
    """
    if value is None and type(None) not in option.alternatives:
        raise ValueError(f"{name} must be {kind_of_value(option)}, got nothing")
    if value is None:
        return None
    if not option.readable:
        return _left_to_the_parser(option, value, name) if isinstance(value, (str, list)) else value
    several = isinstance(value, (list, tuple))
    if option.several:
        texts = values_as_text(option, [_text(item) for item in (value if several else [value])], name)
        return None if texts == ["None"] else tuple(_items(option, texts))
    if several or (isinstance(value, bool) and bool not in option.alternatives):
        raise ValueError(f"{name} must be {kind_of_value(option)}, got {short_json(value)}")
    return _of_its_kind(option, value_as_text(option, _text(value), name))


def short_json(value: object) -> str:
    """A value as a complaint shows it."""
    told = json.dumps(value, default=str)
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 3]}..."


def _items(option: Option, texts: list[str]) -> list[Any]:
    types = [one for one in item_types(option) if one is not Ellipsis]
    types = types * len(texts) if len(types) == 1 else types
    return [_of_its_kind(replace(option, hint=one), text) for one, text in zip(types, texts, strict=True)]


def _of_its_kind(option: Option, text: str) -> Any:
    """The value that a text stands for, which `value_as_text` has made."""
    kinds = option.alternatives
    if type(None) in kinds and text == "None":
        return None
    for kind in kinds:
        if typing.get_origin(kind) is typing.Literal:
            found = [one for one in typing.get_args(kind) if str(one) == text]
            if found:
                return found[0]
        elif kind is bool and text in ("True", "False"):
            return text == "True"
        elif kind in (int, float, str, Path):
            with contextlib.suppress(ValueError):
                return kind(text)
    raise AssertionError(f"{text!r} was taken for a value of {option.hint}")


def _left_to_the_parser(option: Option, value: str | list[Any], name: str) -> Any:
    """A value of a type that is not read here, which a plugin's settings may have."""
    texts = list(_texts(value))
    away = io.StringIO()
    try:
        with contextlib.redirect_stderr(away), contextlib.redirect_stdout(away):
            return tyro.cli(option.hint, args=texts, prog=name)
    except SystemExit:
        raise ValueError(f"{name} must be {kind_of_value(option)}, got {short_json(value)}") from None


def _texts(value: Any) -> Iterator[str]:
    """Lists in lists are one line to the parser."""
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    else:
        yield _text(value)


def _text(value: Any) -> str:
    return repr(value) if isinstance(value, float) else str(value)
