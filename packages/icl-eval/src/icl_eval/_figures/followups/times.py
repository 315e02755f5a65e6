"""When the losses of several runs fell, as the cells of a row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from icl_eval._onsets.fitting import Onset, fit_onset
from icl_eval._picture.series import Series

__all__ = ["NOTE", "Times", "times_of"]

NOTE = (
    "Onset: update at which half of a step fitted to the loss is done, or how many seeds have one; interval: least to "
    "greatest of several seeds, 95% of the fit of a single one; width: updates from a tenth to nine tenths. Fitted to "
    "the first half of a run, or to half of that again, where it comes too early for the whole. Half: update at which "
    "the loss is first below half of what guessing costs."
)

_MOST_HALVED = 8


@dataclass(frozen=True)
class Times:
    """When the losses of runs that differ in their seeds alone fell.

    Attributes:
        onsets: of the runs that have one.
        halves: of the runs whose loss was ever below half of guessing's, the update at which it first was.
        n_runs: how many runs there are.
    """

    onsets: Sequence[Onset]
    halves: Sequence[float]
    n_runs: int

    @property
    def half(self) -> float | None:
        """Mean of the halves; None unless all runs have one: a mean of some would be too early."""
        return fmean(self.halves) if len(self.halves) == self.n_runs else None

    def cells(self) -> dict[str, str]:
        """How many seeds, and means; where only some runs have a time, how many."""
        cells = {"seeds": f"{self.n_runs}", "onset": self._some(self.onsets), "interval": "", "width": ""}
        if len(self.onsets) == self.n_runs:
            several = self.n_runs > 1
            low = min(one.time if several else one.low for one in self.onsets)
            high = max(one.time if several else one.high for one in self.onsets)
            cells["onset"] = f"{fmean(one.time for one in self.onsets):,.0f}"
            cells["interval"] = f"{low:,.0f}-{high:,.0f}"
            cells["width"] = f"{fmean(one.width for one in self.onsets):,.0f}"
        return cells | {"half": self._some(self.halves) if self.half is None else f"{self.half:,.0f}"}

    def _some(self, found: Sequence[object]) -> str:
        return f"{len(found)} of {self.n_runs}"


def times_of(series: Sequence[Series], guessing: float) -> Times:
    """When the losses of runs fell.

    Args:
        series: of each run.
        guessing: loss of guessing among the labels of a context. A loss that does not fall below has no onset: what a
            network learns in its first updates, which labels there are, is none. NaN where it is not known: then any
            fall is one, and nothing has a half.
    """
    onsets = [_fall(one, math.inf if math.isnan(guessing) else guessing) for one in series]
    halves = [_first_below(one, guessing / 2) for one in series]
    return Times([one for one in onsets if one], [one for one in halves if one is not None], len(series))


def _fall(series: Series, below: float) -> Onset | None:
    """Of a whole run, else of its first half, and so on: a fit wants to see as much of what was before."""
    for halved in range(_MOST_HALVED):
        seen = series.steps <= series.steps[-1] / 2**halved
        onset = fit_onset(series.steps[seen], series.values[seen])
        if onset is not None and onset.after < below:
            return onset
    return None


def _first_below(series: Series, level: float) -> float | None:
    """The update, on the straight line from the record before to that which is below; at the first, that itself."""
    below = series.values < level
    if not below.any():
        return None
    last = int(below.argmax())
    first = max(last - 1, 0)
    steps, values = series.steps[[first, last]].astype(float), series.values[[first, last]]
    share = (values[0] - level) / (values[0] - values[1]) if first < last else 0.0
    return float(steps[0] + share * (steps[1] - steps[0]))
