"""What is asked of numbers in the arguments of public functions, in one line."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["check_at_least", "check_integers", "check_noise_scale", "is_number", "is_standard_deviation"]


def check_integers(**values: object) -> None:
    """Raise ValueError unless all values are integers, naming the first that is not. True and False are none."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise ValueError(f"{name} must be an integer, got {value!r}")


def check_at_least(least: int, **values: int) -> None:
    """Raise ValueError unless all values are integers from `least` on, naming the first that is not."""
    check_integers(**values)
    for name, value in values.items():
        if value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}")


def check_noise_scale(value: float) -> None:
    """Raise ValueError unless this is a standard deviation."""
    if not is_standard_deviation(value):
        raise ValueError(f"noise_scale must be >= 0 and finite, got {value!r}")


def is_standard_deviation(value: float) -> bool:
    """Whether this is a number, not negative, and finite."""
    return is_number(value) and 0 <= value < math.inf


def is_number(value: object) -> bool:
    """Whether this is a number, of Python's or NumPy's. True and False are none."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
