"""Hyper-parameters drawn from ranges: the same seed draws the same values, whatever else is varied."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from icl_models import Range
from icl_train._options.table import Option

__all__ = ["check_range", "drawn"]

_DIGITS = 4  # of a drawn number: enough to search with, and few enough to be read and typed again


def check_range(wanted: Range, option: Option) -> None:
    """Whether a range is one, of a setting that can have its values.

    Args:
        wanted: the range.
        option: its setting.

    Raises:
        ValueError: for a setting that is no number, and ends that are missing, in disorder or not above 0 with log.
    """
    name = wanted.setting
    if wanted.choices:
        if wanted.low is not None or wanted.high is not None or wanted.log:
            raise ValueError(f"{name} is drawn from choices or from a range, not from both")
        return
    if wanted.low is None or wanted.high is None:
        raise ValueError(f"a range of {name} must have two ends or choices, got neither")
    if int not in option.alternatives and float not in option.alternatives:
        raise ValueError(f"a range must be of a setting that is a number, got {name}: give choices instead")
    low, high = wanted.low, wanted.high
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"a range of {name} must go from a number to a larger one, got {low:g} to {high:g}")
    if wanted.log and low <= 0:
        raise ValueError(f"a range of {name} must begin above 0 to be drawn from in the logarithm, got {low:g}")
    if _whole(option) and (low != int(low) or high != int(high)):
        raise ValueError(f"a range of {name} must have whole numbers as ends, got {low:g} to {high:g}")


def drawn(wanted: Range, option: Option, count: int, *, seed: int) -> list[Any]:
    """Values of one setting.

    Each setting has a stream of its own, so that neither further settings nor further draws change the first ones.

    Args:
        wanted: what they are drawn from: choices, or an interval with both ends (the logarithm's, with ``log``).
        option: the setting; where it can only be a whole number, whole numbers are drawn.
        count: how many.
        seed: of the draws.
    """
    random = np.random.default_rng([seed, *wanted.setting.encode()])
    if wanted.choices:
        return [wanted.choices[place] for place in random.integers(len(wanted.choices), size=count)]
    assert wanted.low is not None
    assert wanted.high is not None
    low, high = float(wanted.low), float(wanted.high)
    if _whole(option):
        return _whole_numbers(random.random(count), int(low), int(high), log=wanted.log)
    places = random.random(count)
    line = np.log([low, high]) if wanted.log else np.array([low, high])
    numbers = line[0] + places * (line[1] - line[0])
    return [_short(float(number), low, high) for number in (np.exp(numbers) if wanted.log else numbers)]


def _whole_numbers(places: Sequence[float] | np.ndarray[Any, Any], low: int, high: int, *, log: bool) -> list[int]:
    """Each whole number has the part of the line, or of the logarithm's, that is rounded to it."""
    if log:
        start, end = math.log(low - 0.5), math.log(high + 0.5)
        numbers = [round(math.exp(start + place * (end - start))) for place in places]
    else:
        numbers = [low + math.floor(place * (high - low + 1)) for place in places]
    return [min(max(number, low), high) for number in numbers]


def _short(number: float, low: float, high: float) -> float:
    """With few digits, of the number or of the range, whichever is finer, and still within the range."""
    finest = min(abs(number), high - low)
    if finest == 0.0:
        return number
    return min(max(round(number, _DIGITS - 1 - math.floor(math.log10(finest))), low), high)


def _whole(option: Option) -> bool:
    return float not in option.alternatives
