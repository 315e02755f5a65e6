"""When something is done in training: every so often, at listed steps, or at steps spaced evenly in their logarithm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from icl_train._settings.option import require

__all__ = ["Timetable", "check_count", "check_last_step", "checked_steps", "log_spaced"]


_MOST = 100_000


@dataclass(frozen=True, kw_only=True)
class Timetable:
    """Steps of a run: the multiples of ``interval``, or ``listed`` ones in their place; the last one always.

    Attributes:
        interval: distance of the steps where none are listed.
        listed: steps, 0 for before the first update, or None.
        last: the run's last step.
        from_zero: whether 0 is one of them where none are listed.
    """

    interval: int
    listed: frozenset[int] | None
    last: int
    from_zero: bool = False

    def __contains__(self, step: int) -> bool:
        if step == self.last:
            return True
        if self.listed is not None:
            return step in self.listed
        return step % self.interval == 0 and (step > 0 or self.from_zero)

    def count_after(self, step: int) -> int:
        """How many of its steps are after that one; after -1, all."""
        if step >= self.last:
            return 0
        if self.listed is not None:
            return sum(step < one < self.last for one in self.listed) + 1
        zero = 1 if self.from_zero and step < 0 else 0
        return zero + (self.last - 1) // self.interval - max(0, step) // self.interval + 1

    def before(self, step: int) -> list[int]:
        """Its steps before that one, ascending."""
        if self.listed is not None:
            steps = {one for one in self.listed if one < step}
        else:
            steps = set(range(0 if self.from_zero else self.interval, step, self.interval))
        return sorted(steps | ({self.last} if self.last < step else set()))


def log_spaced(count: int, last: int) -> tuple[int, ...]:
    """0, and ``count`` steps from 1 to ``last`` that are evenly spaced in their logarithm; whole, so fewer early on."""
    if count == 1:
        return (0, last)
    return tuple(sorted({0, *(round(last ** (place / (count - 1))) for place in range(count))}))


def check_count(name: str, count: int | None) -> None:
    """Raise ValueError unless a number of log-spaced steps is None or can be listed."""
    require(count is None or 1 <= count <= _MOST, f"{name} must be from 1 to {_MOST}", count)


def checked_steps(name: str, steps: Sequence[Any] | None) -> tuple[int, ...] | None:
    """Listed steps in order, each once.

    Raises:
        ValueError: for an empty list, or a step that is no whole number of at least 0.
    """
    if steps is None:
        return None
    require(len(steps) > 0, f"{name} must name at least one step (0 is before the first update)", "none")
    for step in steps:
        whole = isinstance(step, int) and not isinstance(step, bool) and step >= 0
        require(whole, f"{name} must be whole numbers of at least 0 (before the first update)", step)
    return tuple(sorted(set(steps)))


def check_last_step(name: str, steps: tuple[int, ...] | None, last: int) -> None:
    """Raise ValueError if a listed step is beyond the last."""
    beyond = [step for step in steps or () if step > last]
    require(not beyond, f"{name} must be at most train.max_steps ({last})", ", ".join(map(str, beyond)))
