"""What an experiment claims of its runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from icl_models._contract.axis import require

__all__ = ["Claim", "Heads", "Moment", "Over"]

Moment = Literal["last", "peak", "peak_step", "fall", "half_life", "onset", "width", "reached"]
Over = Literal["mean", "best"]

_OF: dict[Moment, str] = {
    "last": "",
    "peak": "peak of ",
    "peak_step": "update of the peak of ",
    "fall": "fall of ",
    "half_life": "half-life of ",
    "onset": "onset of ",
    "width": "width of the onset of ",
    "reached": "update of {level:g} of ",
}


@dataclass(frozen=True, kw_only=True)
class Heads:
    """The attention heads that a claim is about.

    Args:
        layer: of which, from 0 up, as in ``blocks.1``.
        more_than: the number of its heads is meant whose score is above this; None for the greatest score among them.
        split: evaluation on whose sequences they are scored; None for that of ``icl-eval heads``.

    Raises:
        ValueError: for a layer that is no number from 0 up, or a score that is no finite number.
    """

    layer: int
    more_than: float | None = None
    split: str | None = None

    def __post_init__(self) -> None:
        whole = isinstance(self.layer, int) and not isinstance(self.layer, bool)
        require(whole and self.layer >= 0, "the layer of heads must be a number from 0 up", repr(self.layer))
        score = self.more_than
        number = isinstance(score, int | float) and not isinstance(score, bool)
        known = score is None or (number and math.isfinite(score))
        require(known, "more_than of heads must be a finite number", repr(score))
        named = self.split is None or isinstance(self.split, str)
        require(named, "the split of heads must be an evaluation's name", repr(self.split))


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What an experiment's runs should show: a bound on a mean over seeds, or on a difference or quotient of two.

    Args:
        says: the claim, in one sentence.
        measure: evaluation whose headline accuracy is meant ("fewshot_holdout"), or a training metric ("weight_l2");
            with ``heads`` one of their scores, as ``icl-eval heads`` has it ("induction").
        metric: another metric of that evaluation ("accuracy_query").
        heads: of the last checkpoint's model, whose score is meant; None for what was recorded in training.
        where: axis → label of the point whose runs are meant; of an axis that is left out, those of all points.
        than: the same for the runs that are subtracted; None for the value itself.
        quotient: divide by these in place of subtracting them.
        at: what is taken of a run's values over training: the last; the greatest ("peak"), the update at which it was
            reached ("peak_step"), how far the last is below it ("fall"), or the updates from it until half of what was
            above chance is lost ("half_life"; infinite where that is never); of a logistic step fitted to them, the
            update at which half of it is done ("onset"; infinite where there is no step), or the updates from a tenth
            to nine tenths ("width"; likewise); the first measurement that is at ``level``, from whichever side
            ("reached"; infinite where that is never); or, as a number, that update: the last value up to it.
        level: of "reached".
        over: of several runs of one seed the mean, or the best.
        above, below: bounds.
        scales: scales at which it holds.
        tried: scale → why it is not asserted there, and what was tried.

    Raises:
        ValueError: without a bound, with a metric or a moment of heads, with a level that nothing has to reach or
            without one, or with a quotient of nothing.
    """

    says: str
    measure: str
    where: Mapping[str, str]
    metric: str | None = None
    heads: Heads | None = None
    than: Mapping[str, str] | None = None
    quotient: bool = False
    at: Moment | int = "last"
    level: float | None = None
    over: Over = "mean"
    above: float | None = None
    below: float | None = None
    scales: tuple[str, ...] = ()
    tried: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        bounded = self.above is not None or self.below is not None
        require(bounded, f"claim {self.says!r} must have a bound, above or below", "none")
        if self.heads is not None:
            what = f"claim {self.says!r} about heads must be of their last scores, without"
            require(self.metric is None, f"{what} a metric", repr(self.metric))
            require(self.at == "last", f"{what} another moment", repr(self.at))
        moment = f"the moment of claim {self.says!r} must be a number of updates, or one of {', '.join(_OF)}"
        whole = isinstance(self.at, int) and not isinstance(self.at, bool)
        require((whole and int(self.at) >= 0) or self.at in _OF, moment, repr(self.at))
        level = f"claim {self.says!r} must have a level where it is about what is reached, and there alone"
        require((self.at == "reached") == (self.level is not None), level, repr(self.level))
        number = isinstance(self.level, int | float) and not isinstance(self.level, bool) and math.isfinite(self.level)
        require(self.level is None or number, f"the level of claim {self.says!r} must be a number", repr(self.level))
        divided = f"claim {self.says!r} must say what it is divided by"
        require(not self.quotient or self.than is not None, divided, "no other runs")

    @property
    def subject(self) -> str:
        """What is measured, in words: ``fall of fewshot_holdout at optim.l2 0, less that at optim.l2 0.0001``.

        Of heads ``heads of layer 1 with induction above 0.3 at given nothing``, or ``greatest induction of heads of
        layer 1``; layers are counted from 0, as ``icl-eval heads`` counts them.
        """
        measure = f"{self.measure} {self.metric}" if self.metric else self.measure
        if self.heads is not None:
            measure = _of_heads(self.heads, self.measure)
        best = "best " if self.over == "best" else ""
        less = "as a share of" if self.quotient else "less"
        other = "" if self.than is None else f", {less} that{_at(self.than) or ' at all points'}"
        if isinstance(self.at, int):
            return f"{best}{measure} after {self.at:,} updates{_at(self.where)}{other}"
        moment = _OF[self.at].format(level=self.level) if self.level is not None else _OF[self.at]
        return f"{moment}{best}{measure}{_at(self.where)}{other}"

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


def _of_heads(heads: Heads, measure: str) -> str:
    if heads.more_than is None:
        return f"greatest {measure} of heads of layer {heads.layer}"
    return f"heads of layer {heads.layer} with {measure} above {heads.more_than:,g}"


def _at(where: Mapping[str, str]) -> str:
    return f" at {', '.join(f'{axis} {label}' for axis, label in where.items())}" if where else ""
