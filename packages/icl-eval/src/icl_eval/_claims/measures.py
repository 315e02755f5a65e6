"""What a claim is about: one number of a run, from its values over training."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from icl_eval._onsets.fitting import fit_onset
from icl_eval._picture.fading import Points, fall, half_life, peak, peak_step
from icl_models import Claim
from icl_train import RunFolder

__all__ = ["MOMENTS", "claimed_value", "fall", "half_life", "peak", "peak_step"]

MOMENTS: dict[str, Callable[[Points, float], float]] = {
    "last": lambda curve, _: curve[-1][1],
    "peak": lambda curve, _: peak(curve),
    "peak_step": lambda curve, _: peak_step(curve),
    "fall": lambda curve, _: fall(curve),
    "half_life": lambda curve, chance: half_life(curve, chance=chance),
    "onset": lambda curve, _: _of_onset(curve, "time"),
    "width": lambda curve, _: _of_onset(curve, "width"),
}
"""Moment of a claim without a number of its own → what it takes of a run's values, and of what guessing gives."""


def _of_onset(curve: Points, name: Literal["time", "width"]) -> float:
    onset = fit_onset([step for step, _ in curve], [value for _, value in curve])
    return math.inf if onset is None else float(getattr(onset, name))


def _reached(curve: Points, level: float) -> float:
    """The first measurement of a curve at a level, from whichever side it comes; infinite where that is never."""
    curve = [point for point in curve if not math.isnan(point[1])]
    rises = bool(curve) and curve[0][1] < level
    return next((float(step) for step, value in curve if (value >= level if rises else value <= level)), math.inf)


def _taken(claim: Claim, curve: Points, chance: float) -> float | None:
    if isinstance(claim.at, int):
        return next((value for step, value in reversed(curve) if step <= claim.at), None)
    if claim.at == "reached":
        assert claim.level is not None
        return _reached(curve, claim.level)
    return MOMENTS[claim.at](curve, chance)


def claimed_value(claim: Claim, run: RunFolder) -> float | None:
    """The number of a run that a claim is about; None where its records do not have it.

    Args:
        claim: what is claimed.
        run: a finished run.
    """
    of_evaluation = f"eval_{claim.measure}"
    curve: dict[int, float] = {}
    chance = 0.0
    for record in run.records():
        if record["split"] == of_evaluation:
            value, chance = record.get(claim.metric or record["headline"]), record["chance"]
        elif record["split"] == "train" and claim.metric is None:
            value = record.get(claim.measure)
        else:
            continue
        if isinstance(value, int | float):
            curve[record["step"]] = float(value)
    return _taken(claim, sorted(curve.items()), chance) if curve else None
