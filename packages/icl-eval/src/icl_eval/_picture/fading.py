"""Learning that comes and goes: its peak, its fall, and how long half of it lasts (Singh et al. 2023)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from icl_eval._picture.series import Series

__all__ = ["Fading", "fading"]


@dataclass(frozen=True)
class Fading:
    """How an accuracy over training rose and fell again.

    Attributes:
        peak: its greatest value; of noisy measurements the greatest is somewhat too large.
        step: updates at the first of the peak.
        fall: from the peak to the last value.
        half_life: updates from the peak until the accuracy first is half-way back to guessing, along a line between
            evaluations; None where it never is.
        watched: updates from the peak to the last evaluation: what the half-life is longer than, where there is none.
    """

    peak: float
    step: int
    fall: float
    half_life: float | None
    watched: int


def fading(series: Series) -> Fading:
    """The rise and fall of one run.

    Args:
        series: its accuracy over training.
    """
    top = int(series.values.argmax())
    steps, values = series.steps[top:], series.values[top:]
    chance = 0.0 if np.isnan(series.chance) else series.chance
    half = (values[0] + chance) / 2
    under = np.flatnonzero(values <= half) if values[0] > chance else np.array([], dtype=np.int64)
    life = None
    if len(under):
        here = int(under[0])
        before = here - 1
        share = (values[before] - half) / (values[before] - values[here])
        life = float(steps[before] + share * (steps[here] - steps[before]) - steps[0])
    return Fading(
        peak=float(values[0]),
        step=int(steps[0]),
        fall=float(values[0] - values[-1]),
        half_life=life,
        watched=int(steps[-1] - steps[0]),
    )
