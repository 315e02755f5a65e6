"""Values as people write them, made into what is written here wherever there is no doubt what they mean."""

from __future__ import annotations

import re
import typing
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from icl_data.foundation.close_names import close_names
from icl_data.foundation.paths import user_path
from icl_data.foundation.shown import shown
from icl_train._options.table import Option

__all__ = ["SWITCH_WORDS", "item_types", "kind_of_value", "value_as_text", "values_as_text"]

SWITCH_WORDS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
"""What other tools write behind a switch."""

_LONGEST_NUMBER = 30  # digits: 1e999999999 is a number that no memory holds
_NONE = "None"
_ABBREVIATED = re.compile(r"\d[\d.,' ]*[kKmM]?")  # 8k classes may be 8,000 or 8,192


def value_as_text(option: Option, text: str, name: str) -> str:
    """One value, as the parser behind reads it.

    Args:
        option: the option.
        text: what was given.
        name: what the option was called.

    Raises:
        ValueError: if it can be no value of this option.
    """
    kinds = option.alternatives
    if type(None) in kinds and _means_none(text, kinds):
        return _NONE
    for kind in kinds:
        read = _read(kind, text)
        if read is not None:
            return read
    hint = _nearest_choice(kinds, text)
    if int in kinds and _ABBREVIATED.fullmatch(text):
        hint = " (a hundred thousand is 100000, 100_000 or 1e5)"
    raise ValueError(f"{name} must be {kind_of_value(option)}, got {shown(text)}{hint}")


def values_as_text(option: Option, texts: list[str], name: str) -> list[str]:
    """The values of an option that takes several: numbers and choices may be joined by commas, too."""
    kinds = option.alternatives
    if type(None) in kinds and len(texts) == 1 and texts[0] == _NONE:
        return texts
    types = [one for one in item_types(option) if one is not Ellipsis]
    if str not in types and Path not in types:
        texts = [part for text in texts for part in _at_commas(text)]
    if Ellipsis in item_types(option) or len(types) == 1:
        types = types * len(texts)
    if len(texts) != len(types):
        raise ValueError(f"{name} must be {len(types)} values, got {len(texts)}")
    return [
        value_as_text(replace(option, hint=one, default=None), text, name)
        for one, text in zip(types, texts, strict=False)
    ]


def kind_of_value(option: Option) -> str:
    """What a value of this option is, as the object of `must be`."""
    kinds = option.alternatives
    told = [_told(kind) for kind in kinds if kind is not type(None)]
    if option.several:
        return f"values, each {told[0]}"
    return " or ".join([*told, *([_NONE] if type(None) in kinds else [])])


def item_types(option: Option) -> tuple[Any, ...]:
    """The types of the values of an option that takes several; with ``...`` behind one, any number of that."""
    return next(typing.get_args(kind) for kind in option.alternatives if typing.get_origin(kind) in (tuple, list))


def _read(kind: Any, text: str) -> str | None:
    """The text of a value of that type; None if it is none. Of types that are unknown here, any text is one."""
    if typing.get_origin(kind) is typing.Literal:
        return _choice(typing.get_args(kind), text)
    if kind is int:
        return _whole_number(text)
    if kind is float:
        return _number(text)
    if kind is bool:
        meant = SWITCH_WORDS.get(text.lower())
        return None if meant is None else str(meant)
    if kind is Path:
        return str(user_path(text)) if text else None  # "" would be the current folder: an unset variable of a shell
    return None if kind is type(None) else text


def _whole_number(text: str) -> str | None:
    """`1e5` and `1_000` are whole numbers; `100,000` and `8k` are not, as people mean different ones by them."""
    try:
        return str(int(text))
    except ValueError:
        pass
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > _LONGEST_NUMBER or number != number.to_integral_value():
        return None
    return str(int(number))


def _number(text: str) -> str | None:
    try:
        float(text)
    except ValueError:
        return None
    return text


def _choice(choices: tuple[Any, ...], text: str) -> str | None:
    """A choice, whatever its case and whether its words are joined by `-` or `_`."""
    if text in map(str, choices):
        return text
    alike = [str(one) for one in choices if _plain(str(one)) == _plain(text)]
    return alike[0] if len(alike) == 1 else None


def _plain(text: str) -> str:
    return text.replace("-", "_").lower()


def _nearest_choice(kinds: tuple[Any, ...], text: str) -> str:
    choices = [str(one) for kind in kinds if typing.get_origin(kind) is typing.Literal for one in typing.get_args(kind)]
    close = close_names(text, choices)
    return f"; did you mean {close[0]}?" if close else ""


def _means_none(text: str, kinds: tuple[Any, ...]) -> bool:
    """Where a value may be any text, `none` may be a name."""
    return text == _NONE or (text.lower() in ("none", "null") and str not in kinds and Path not in kinds)


def _at_commas(text: str) -> list[str]:
    inside = text[1:-1] if text[:1] + text[-1:] in ("[]", "()") else text
    return [part.strip() for part in inside.split(",") if part.strip()]


def _told(kind: Any) -> str:
    if typing.get_origin(kind) is typing.Literal:
        return "one of " + ", ".join(map(str, typing.get_args(kind)))
    if typing.get_origin(kind) in (tuple, list):
        return _told(typing.get_args(kind)[0])
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", Path: "a path"}
    return words.get(kind, getattr(kind, "__name__", str(kind)))
