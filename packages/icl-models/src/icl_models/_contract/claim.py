"""What an experiment claims of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from icl_models._contract.axis import require

__all__ = ["Claim", "Moment", "Over"]

Moment = Literal["last", "peak", "peak_step", "fall", "half_life", "onset", "width"]
Over = Literal["mean", "best"]

_OF: dict[Moment, str] = {
    "last": "",
    "peak": "peak of ",
    "peak_step": "update of the peak of ",
    "fall": "fall of ",
    "half_life": "half-life of ",
    "onset": "onset of ",
    "width": "width of the onset of ",
}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What an experiment's runs should show: a bound on a mean over seeds, or on the difference of two.

    Args:
        says: the claim, in one sentence.
        measure: evaluation whose headline accuracy is meant ("fewshot_holdout"), or a training metric ("weight_l2").
        metric: another metric of that evaluation ("accuracy_query").
        where: axis → label of the point whose runs are meant; of an axis that is left out, those of all points.
        than: the same for the runs that are subtracted; None for the value itself.
        at: what is taken of a run's values over training: the last; the greatest ("peak"), the update at which it was
            reached ("peak_step"), how far the last is below it ("fall"), or the updates from it until half of what was
            above chance is lost ("half_life"; infinite where that is never); of a logistic step fitted to them, the
            update at which half of it is done ("onset"; infinite where there is no step), or the updates from a tenth
            to nine tenths ("width"; likewise).
        over: of several runs of one seed the mean, or the best.
        above, below: bounds.
        scales: scales at which it holds.
        tried: scale → why it is not asserted there, and what was tried.

    Raises:
        ValueError: without a bound.
    """

    says: str
    measure: str
    where: Mapping[str, str]
    metric: str | None = None
    than: Mapping[str, str] | None = None
    at: Moment = "last"
    over: Over = "mean"
    above: float | None = None
    below: float | None = None
    scales: tuple[str, ...] = ()
    tried: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        bounded = self.above is not None or self.below is not None
        require(bounded, f"claim {self.says!r} must have a bound, above or below", "none")

    @property
    def subject(self) -> str:
        """What is measured, in words: ``fall of fewshot_holdout at optim.l2 0, less that at optim.l2 0.0001``."""
        measure = f"{self.measure} {self.metric}" if self.metric else self.measure
        best = "best " if self.over == "best" else ""
        less = "" if self.than is None else f", less that{_at(self.than) or ' at all points'}"
        return f"{_OF[self.at]}{best}{measure}{_at(self.where)}{less}"

    @property
    def bound(self) -> str:
        """What it should be: ``> 0.7``."""
        bounds = ((">", self.above), ("<", self.below))
        return " and ".join(f"{sign} {value:,g}" for sign, value in bounds if value is not None)

    def holds_of(self, value: float) -> bool:
        """Whether a value is within the bounds.

        Args:
            value: what was measured.
        """
        return (self.above is None or value > self.above) and (self.below is None or value < self.below)


def _at(where: Mapping[str, str]) -> str:
    return f" at {', '.join(f'{axis} {label}' for axis, label in where.items())}" if where else ""
