"""Claims as cells of a table: the bound, what was measured, its interval; of rows as the gallery's claims.json has."""

from __future__ import annotations

from typing import Any

__all__ = ["bound_of", "interval_of", "is_secured", "number"]


def number(value: float | str | None) -> str:
    """A measured value as it is read: to three decimals, from 1,000 on whole; empty if there is none."""
    if value is None or isinstance(value, str):
        return value or ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3f}"


def bound_of(row: dict[str, Any]) -> str:
    """What the claim asserts of the measured value, as in ``> 0.6``."""
    return " ".join(f"{sign} {row[end]:g}" for sign, end in ((">", "above"), ("<", "below")) if row[end] is not None)


def interval_of(row: dict[str, Any]) -> str:
    """The 95% interval of the measured value; empty if there is none."""
    return "" if row["low"] is None else f"{number(row['low'])} to {number(row['high'])}"


def is_secured(row: dict[str, Any]) -> bool:
    """Whether the claim holds with its whole interval: none of it is on a bound or beyond one."""
    if row["judgement"] != "holds" or row["low"] is None:
        return False
    return (row["above"] is None or row["low"] > row["above"]) and (row["below"] is None or row["high"] < row["below"])
