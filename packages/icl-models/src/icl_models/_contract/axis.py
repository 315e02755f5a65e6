"""What is varied in an experiment: points on axes, and ranges that hyper-parameters are drawn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Axis", "Point", "Range", "require", "twice"]


@dataclass(frozen=True)
class Point:
    """One place on an axis.

    Args:
        label: how it is called in tables, on axes and on the command line: "0.9", "noise .1".
        settings: settings by dotted name, as ``RunConfig.flat`` has them: ``{"data.p_bursty": 0.9}``.
    """

    label: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What an experiment varies.

    Args:
        name: the setting, if it is one alone ("data.p_bursty"), else what its points have in common ("classes").
        points: its places, in order. One may come several times, which says something where axes are paired.
        others: further places that can be asked for by their labels.

    Raises:
        ValueError: for two points of one label that are not the same.
    """

    name: str
    points: tuple[Point, ...]
    others: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        different = [point for number, point in enumerate(self.known) if point not in self.known[:number]]
        repeated = twice(point.label for point in different)
        require(not repeated, f"points of axis {self.name!r} must have labels of their own", f"{repeated!r} twice")

    @classmethod
    def of(cls, setting: str, *values: Any) -> Axis:
        """An axis of one setting, a point for each value.

        Args:
            setting: dotted name.
            values: of the setting, in order.
        """
        return cls(name=setting, points=tuple(Point(_label(value), {setting: value}) for value in values))

    @property
    def known(self) -> tuple[Point, ...]:
        """Its points, and the others."""
        return (*self.points, *self.others)

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings that its points set, each once."""
        return tuple(dict.fromkeys(name for point in self.points for name in point.settings))


@dataclass(frozen=True, kw_only=True)
class Range:
    """Values from which a hyper-parameter is drawn.

    Args:
        setting: dotted name.
        low, high: ends of an interval, both included; without them ``choices``.
        log: draw evenly in the logarithm.
        choices: values, each as likely.
    """

    setting: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[Any, ...] = ()


def require(condition: bool, rule: str, value: str) -> None:
    """Raise ValueError with the rule and the value unless the condition holds."""
    if not condition:
        raise ValueError(f"{rule}, got {value}")


def twice(names: Iterable[str]) -> str | None:
    """A name that is there more than once, or None."""
    return next((name for name, count in Counter(names).items() if count > 1), None)


def _label(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
