"""The axes of panels: updates, sequences, settings and measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from icl_eval._picture.measures import Measure
from icl_eval._picture.picture import Axis
from icl_eval._picture.values import is_number, short_setting, shown

__all__ = ["TIME", "measure_axis", "setting_axis", "time_axis"]

TIME = ("step", "sequences")
_DECADES = 30  # values this far apart are told apart on an axis of their logarithm alone


def time_axis(name: str, *, log: bool = False) -> Axis:
    """Updates or sequences.

    Args:
        name: ``step`` or ``sequences``.
        log: on a scale of logarithms, where the evaluation before the first update has no place.
    """
    if name == "sequences":
        return Axis(name="sequences", label="training sequences", kind="sequences", log=log)
    return Axis(name="step", label="training steps (updates)", kind="steps", log=log)


def measure_axis(measure: Measure) -> Axis:
    """A measure: from 0 to 1 if it is a share."""
    return Axis(name=measure.name, label=measure.label, kind="accuracy" if measure.is_share else "linear")


def setting_axis(name: str, values: Sequence[Any], *, log: bool | None = None) -> Axis:
    """A setting: numbers on a scale, everything else as places beside each other.

    Args:
        name: of the setting.
        values: all that runs have, in order.
        log: on a scale of logarithms; None where the values span decades.

    Raises:
        ValueError: if a logarithmic scale is asked for, and values are below 0 or no numbers.
    """
    label = short_setting(name) if short_setting(name) != name.rpartition(".")[2] else name
    numbers = bool(values) and all(map(is_number, values))
    if not numbers:
        if log:
            raise ValueError(f"--log-x needs numbers, got {name} {', '.join(map(shown, values))}")
        return Axis(name=name, label=label, kind="category", values=tuple(shown(value, name) for value in values))
    positive = [float(value) for value in values if value > 0]
    if log and (not positive or min(values) < 0):
        raise ValueError(f"--log-x needs numbers above 0, or 0 among such, got {name} {', '.join(map(shown, values))}")
    spans = bool(positive) and min(values) >= 0 and len(positive) > 1 and max(positive) / min(positive) >= _DECADES
    small = bool(positive) and min(values) == 0 and len(positive) > 2 and max(positive) / min(positive) >= _DECADES / 3
    chosen = (spans or small) if log is None else log
    return Axis(name=name, label=label, kind="log" if chosen else "linear", values=tuple(float(v) for v in values))


def place_on(axis: Axis, value: Any) -> float:
    """Where a setting's value stands on its axis."""
    return float(axis.values.index(shown(value, axis.name))) if axis.kind == "category" else float(value)
