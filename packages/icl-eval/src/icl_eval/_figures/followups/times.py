"""When the curves of several runs left their plateaus, as the cells of a row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from icl_eval._onsets.fitting import Onset, fit_onset
from icl_eval._picture.series import Series

__all__ = ["NOTE", "Onsets", "onsets_of"]

NOTE = (
    "Onset: the update at which half of the change is done; interval: least to greatest of several seeds, 95% of the "
    "fit of a single one; width: updates from a tenth to nine tenths. Fitted to the first half of a run, or to half of "
    "that again, where it comes too early to be seen in the whole."
)


_MOST_HALVED = 8


@dataclass(frozen=True)
class Onsets:
    """The onsets of runs that differ in their seeds alone.

    Attributes:
        found: of the runs that have one.
        n_runs: how many runs there are.
    """

    found: Sequence[Onset]
    n_runs: int

    @property
    def time(self) -> float | None:
        """The mean over the runs; None unless all of them have an onset: a mean of some would be too early."""
        return fmean(one.time for one in self.found) if len(self.found) == self.n_runs else None

    def cells(self) -> dict[str, str]:
        """How many seeds, and mean, interval and width; of runs that lack one, how many have one, and no mean."""
        seeds = f"{self.n_runs}"
        if self.time is None:
            return {
                "seeds": seeds,
                "onset": f"{len(self.found)} of {self.n_runs} have one",
                "interval": "",
                "width": "",
            }
        several = len(self.found) > 1
        low = min(one.time if several else one.low for one in self.found)
        high = max(one.time if several else one.high for one in self.found)
        return {
            "seeds": seeds,
            "onset": f"{self.time:,.0f}",
            "interval": f"{low:,.0f}-{high:,.0f}",
            "width": f"{fmean(one.width for one in self.found):,.0f}",
        }


def onsets_of(series: Iterable[Series], *, below: float) -> Onsets:
    """When the losses of runs fell.

    Args:
        series: of each run.
        below: what a loss has to fall below, such as that of guessing among the labels of a context, so that what a
            network learns in its first updates, which labels there are, is none.
    """
    fits = [_fall(one, below) for one in series]
    return Onsets([one for one in fits if one is not None], len(fits))


def _fall(series: Series, below: float) -> Onset | None:
    """Of a whole run, else of its first half, and so on: a fit wants to see as much of what was before."""
    for halved in range(_MOST_HALVED):
        seen = series.steps <= series.steps[-1] / 2**halved
        onset = fit_onset(series.steps[seen], series.values[seen])
        if onset is not None and onset.after < below:
            return onset
    return None
