"""Arithmetic on values of a configuration, bounded: no number, text or list can become large."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

__all__ = ["LARGEST", "TooLarge", "combined", "compared", "listed", "number_of", "turned", "weight"]

LARGEST = 2**63
_LONGEST = 10_000  # of a text or a list
_LARGEST_EXPONENT = 1024

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
}
_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: lambda one, other: one is other,
    ast.IsNot: lambda one, other: one is not other,
    ast.In: lambda one, other: one in other,
    ast.NotIn: lambda one, other: one not in other,
}


class TooLarge(ValueError):
    """A value that is larger than any option, or no value at all; the text says what it is."""


def combined(kind: ast.operator, one: Any, other: Any) -> Any:
    """Two values by an operator of Python.

    Raises:
        TooLarge: for a result that cannot be, or is larger than any option.
    """
    numbers = _is_number(one) and _is_number(other)
    joined = isinstance(kind, ast.Add) and type(one) is type(other) and isinstance(one, str | list | tuple)
    if type(kind) not in _OPERATORS or not (numbers or joined):
        raise TooLarge("an operation that is none of numbers")
    if joined and weight(one) + weight(other) + (len(one) + len(other) if isinstance(one, str) else 0) > _LONGEST:
        raise TooLarge("a text or list that is too long")
    if isinstance(kind, ast.Pow) and (abs(other) > _LARGEST_EXPONENT or abs(one) > LARGEST):
        raise TooLarge("a number that is too large")
    return _bounded(lambda: _OPERATORS[type(kind)](one, other))


def turned(kind: ast.unaryop, value: Any) -> Any:
    """A value under ``-``, ``+`` or ``not``.

    Raises:
        TooLarge: where that makes no value.
    """
    if type(kind) not in _UNARY or not (_is_number(value) or isinstance(kind, ast.Not)):
        raise TooLarge("an operation that is none of numbers")
    return _bounded(lambda: _UNARY[type(kind)](value))


def compared(kind: ast.cmpop, one: Any, other: Any) -> bool:
    """Whether a comparison of Python holds.

    Raises:
        TooLarge: where the two cannot be compared.
    """
    inside = isinstance(kind, ast.In | ast.NotIn)
    if not isinstance(kind, ast.Is | ast.IsNot) and not (_is_plain(one) and (_is_plain(other) or inside)):
        raise TooLarge("a comparison that cannot be made")  # groups that hold each other many times never end
    try:
        return bool(_COMPARED[type(kind)](one, other))
    except (TypeError, RecursionError) as error:
        raise TooLarge("a comparison that cannot be made") from error


def number_of(make: Callable[[Any], Any], value: Any) -> Any:
    """``int(value)``, ``float(value)``, ``str(value)`` or ``bool(value)``.

    Raises:
        TooLarge: where Python makes none of it.
    """
    if not (value is None or _is_number(value) or (isinstance(value, str) and len(value) <= 100)):
        raise TooLarge("a value that is no number")
    return _bounded(lambda: make(value))


def weight(value: Any) -> int:
    """How many values there are in a list, and in those in it; 1 for what is none.

    Args:
        value: a value; lists of `listed` have no groups in them, and never themselves.
    """
    left, count = [value], 0
    while left:
        one = left.pop()
        count += 1
        if count > _LONGEST:
            break
        if isinstance(one, list | tuple):
            left += one
    return count


def listed(values: list[Any], kind: type) -> Any:
    """Values as a list or tuple.

    Raises:
        TooLarge: where there is more in it than any option has, or something else than numbers, texts and such lists.
    """
    made = kind(values)
    if not all(map(_is_plain, values)):
        raise TooLarge("a list of what is no value")
    if weight(made) > _LONGEST:
        raise TooLarge("a text or list that is too long")
    return made


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, int | float | str | list | tuple)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _bounded(make: Callable[[], Any]) -> Any:
    try:
        value = make()
    except (ArithmeticError, TypeError, ValueError) as error:
        raise TooLarge("a number that cannot be") from error
    if isinstance(value, complex):
        raise TooLarge("a number that cannot be")
    if isinstance(value, int) and abs(value) >= LARGEST:
        raise TooLarge("a number that is too large")
    return value
