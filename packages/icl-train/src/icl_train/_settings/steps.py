"""When something is done in training: every so often, and at the last step always."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Timetable"]


@dataclass(frozen=True, kw_only=True)
class Timetable:
    """Steps of a run: the multiples of ``interval``, and the last one.

    Attributes:
        interval: distance of the steps.
        last: the run's last step.
        from_zero: whether 0 is one of them.
    """

    interval: int
    last: int
    from_zero: bool = False

    def __contains__(self, step: int) -> bool:
        if step == self.last:
            return True
        return step % self.interval == 0 and (step > 0 or self.from_zero)
