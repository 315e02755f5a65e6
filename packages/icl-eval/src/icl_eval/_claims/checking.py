"""Whether what an experiment claims holds of its runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean
from typing import Literal

from icl_eval._claims.heads import ScoredHeads
from icl_eval._claims.interval import mean_with_interval
from icl_eval._claims.matching import Performed
from icl_eval._claims.measures import claimed_value
from icl_models import Claim
from icl_train import RunFolder

__all__ = ["Verdict", "verdicts"]

Judgement = Literal["holds", "does not hold", "cannot say", "not asserted"]


@dataclass(frozen=True)
class Verdict:
    """A claim, what was measured, and what follows.

    Attributes:
        claim: what is claimed.
        judgement: whether it holds; a claim that is not asserted at this scale is measured all the same.
        measured: mean over seeds; None where runs are missing.
        low, high: 95% interval of that mean; None for a single seed.
        n: seeds.
        reason: why it is not asserted, or cannot be said; empty otherwise.
    """

    claim: Claim
    judgement: Judgement
    measured: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    reason: str = ""


def verdicts(done: Performed, scored: ScoredHeads | None = None) -> list[Verdict]:
    """Each claim of an experiment, held against its runs at a scale.

    Args:
        done: the experiment and its runs.
        scored: the heads of runs that were looked into before.
    """
    scored = scored or ScoredHeads()
    return [_verdict(claim, done, scored) for claim in done.spec.claims if _is_about(claim, done)]


def _is_about(claim: Claim, done: Performed) -> bool:
    """Whether a claim is made of points that are there at this scale, or it is said why it is not."""
    if done.scale in claim.tried:
        return True
    there = {axis.name: {point.label for point in axis.points} for axis in done.spec.axes_at(done.scale)}
    named = [*claim.where.items(), *(claim.than or {}).items()]
    return all(label in there.get(axis, ()) for axis, label in named)


def _verdict(claim: Claim, done: Performed, scored: ScoredHeads) -> Verdict:
    asserted = done.scale in claim.scales
    by_seed = _of_seeds(claim, claim.where, done, scored)
    if claim.than is not None:  # of one seed each, so that what the seeds share falls out
        subtracted = _of_seeds(claim, claim.than, done, scored)
        both = {seed: (value, subtracted[seed]) for seed, value in by_seed.items() if seed in subtracted}
        compared = {seed: _quotient(*pair) if claim.quotient else pair[0] - pair[1] for seed, pair in both.items()}
        by_seed = {seed: value for seed, value in compared.items() if not math.isnan(value)}  # never, of both
        if both and not by_seed and asserted:
            return Verdict(claim, "cannot say", reason="neither has a value to be compared")
    reason = "" if asserted else claim.tried.get(done.scale, "")
    if not by_seed:
        if not asserted:
            return Verdict(claim, "not asserted", reason=reason)
        return Verdict(claim, "cannot say", reason=_why_unsaid(claim, done, scored))
    measured, low, high = mean_with_interval(list(by_seed.values()))
    judgement: Judgement = "not asserted"
    if asserted:
        judgement = "holds" if claim.holds_of(measured) else "does not hold"
    return Verdict(claim, judgement, measured, low, high, len(by_seed), reason)


def _quotient(value: float, divisor: float) -> float:
    """Of two values, of which the second may be 0; NaN of two that are 0 or infinite."""
    return value / divisor if divisor else math.copysign(math.inf, value) if value else math.nan


def _why_unsaid(claim: Claim, done: Performed, scored: ScoredHeads) -> str:
    places = [*_places(claim.where, done), *([] if claim.than is None else _places(claim.than, done))]
    complete = any(all((place, seed) in done.found for place in places) for seed in done.seeds)
    if not complete:
        return "runs are missing"
    if claim.heads is None:
        return f"its runs have no {claim.metric or claim.measure}"
    runs = (run for (place, _), run in done.found.items() if place in places)
    return next(filter(None, (scored.why_not(claim, run) for run in runs)), "")


def _places(where: Mapping[str, str], done: Performed) -> list[str]:
    return [place for place, run in done.places.items() if where.items() <= dict(run.where).items()]


def _of_seeds(claim: Claim, where: Mapping[str, str], done: Performed, scored: ScoredHeads) -> dict[int, float]:
    """Seed → the claimed number of its runs at these points; seeds of which one is missing are left out."""
    places = _places(where, done)
    found: dict[int, float] = {}
    for seed in done.seeds:
        runs = [done.found.get((place, seed)) for place in places]
        values = [None if run is None else _value(claim, run, scored) for run in runs]
        known = [value for value in values if value is not None]
        if known and len(known) == len(places):
            found[seed] = max(known) if claim.over == "best" else mean(known)
    return found


def _value(claim: Claim, run: RunFolder, scored: ScoredHeads) -> float | None:
    return claimed_value(claim, run) if claim.heads is None else scored.number(claim, run)
