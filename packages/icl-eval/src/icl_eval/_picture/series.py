"""One measure of runs: what each recorded of it, the mean over several, and single moments of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from icl_eval._picture.bands import Band, band_bounds
from icl_eval._picture.measures import Measure
from icl_eval._picture.picture import Floats, Ints
from icl_train import RunError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Curve", "Moment", "Series", "at_moment", "curve", "cut_short", "series_of"]

Moment = Literal["last", "peak"]


@dataclass(frozen=True)
class Series:
    """What one run recorded of one measure; arrays of (T,), by step.

    Attributes:
        steps: updates.
        sequences: training sequences seen.
        values: of the measure.
        low, high: its 95% Wilson interval; NaN for none.
        n_sequences: sequences measured; 0 where that is no measurement on sequences.
        chance: value of guessing; NaN for none.
    """

    steps: Ints
    sequences: Ints
    values: Floats
    low: Floats
    high: Floats
    n_sequences: Ints
    chance: float

    def where(self, steps: Sequence[int]) -> Ints:
        """Places of steps that it has."""
        return np.searchsorted(self.steps, np.asarray(steps, dtype=np.int64)).astype(np.int64)


@dataclass(frozen=True)
class Curve:
    """A mean over runs; arrays of (T,).

    Attributes:
        steps: updates, or in the place of these what runs were compared by.
        sequences: training sequences seen, of the first run.
        mean: mean over the runs.
        low, high: of its band; NaN for none.
        n_runs: how many.
        n_sequences: sequences measured, over the runs.
        chance: value of guessing; NaN for none.
    """

    steps: Floats
    sequences: Floats
    mean: Floats
    low: Floats
    high: Floats
    n_runs: Ints
    n_sequences: Ints
    chance: float

    def from_step(self, first: int) -> Curve:
        """What it is from a step on.

        Args:
            first: that step.
        """
        kept = self.steps >= first
        arrays = ("steps", "sequences", "mean", "low", "high", "n_runs", "n_sequences")
        return replace(self, **{name: getattr(self, name)[kept] for name in arrays})


def series_of(table: pd.DataFrame, measure: Measure) -> dict[str, Series]:
    """What each run recorded of a measure; runs without it, or with nothing finite, are left out.

    Args:
        table: tidy table of runs.
        measure: what.
    """
    chosen = _rows_of(table, measure)
    chosen = chosen[np.isfinite(_floats(chosen["value"]))]
    found = {}
    for run, rows in chosen.groupby("run", sort=False, observed=True):
        chance, headline = _floats(rows["chance"]), rows["headline"].to_numpy(dtype=bool)
        found[str(run)] = Series(
            steps=rows["step"].to_numpy(dtype=np.int64),
            sequences=rows["sequences"].to_numpy(dtype=np.int64),
            values=_floats(rows["value"]),
            low=_floats(rows["low"]),
            high=_floats(rows["high"]),
            n_sequences=np.nan_to_num(_floats(rows["n_sequences"])).astype(np.int64),
            chance=float(chance[-1]) if headline[-1] else float("nan"),  # it is that of guessing the headline's labels
        )
    return found


def cut_short(table: pd.DataFrame, measure: Measure) -> list[str]:
    """Runs whose last record of a measure is not finite, though an earlier one is: they are shown up to that one.

    Args:
        table, measure: as of `series_of`.
    """
    shown, last = series_of(table, measure), _rows_of(table, measure).groupby("run", sort=False, observed=True)
    return [str(run) for run, rows in last if run in shown and not np.isfinite(_floats(rows["value"])[-1])]


def _rows_of(table: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """What was recorded of it, by step."""
    chosen = table[table["split"] == measure.split]
    chosen = chosen[chosen["metric"] == measure.metric] if measure.metric else chosen[chosen["headline"].astype(bool)]
    return chosen.drop_duplicates(["run", "step"], keep="last").sort_values("step", kind="stable")


def _floats(column: pd.Series) -> Floats:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def curve(series: Mapping[str, Series], *, band: Band = "range") -> Curve:
    """The mean over runs at the steps that all of them have.

    Args:
        series: of each run.
        band: what is drawn around it.

    Raises:
        RunError: if there is no such step.
    """
    steps = sorted(set.intersection(*(set(one.steps.tolist()) for one in series.values())))
    if not steps:
        names = ", ".join(series)
        raise RunError(f"runs of one curve must have been recorded at a step in common, got {names}")
    places = [(one, one.where(steps)) for one in series.values()]
    first, at = places[0]
    return _mean(places, np.array(steps, dtype=float), first.sequences[at].astype(float), band)


def at_moment(series: Mapping[str, Series], moment: Moment | int, *, band: Band = "range") -> Curve:
    """The mean over runs at one moment of each, as a curve of one point.

    Args:
        series: of each run.
        moment: ``last``, ``peak`` (of each run, its greatest value), or a step.
        band: what is drawn around it.

    Raises:
        RunError: if a run has no such step.
    """
    places = [(one, np.array([place(one, moment, run)], dtype=np.int64)) for run, one in series.items()]
    first, at = places[0]
    return _mean(places, first.steps[at].astype(float), first.sequences[at].astype(float), band)


def place(series: Series, moment: Moment | int, run: str) -> int:
    """Where in a series that moment is.

    Raises:
        RunError: if there is no such step, with those that there are.
    """
    if moment == "last":
        return len(series.steps) - 1
    if moment == "peak":
        return int(series.values.argmax())
    if moment not in series.steps:
        steps = series.steps.tolist()
        told = ", ".join(map(str, steps)) if len(steps) <= 12 else f"{steps[0]}, {steps[1]}, … {steps[-1]}"
        raise RunError(f"the step must be one that {run} recorded ({told}), got {moment}")
    return int(series.where([moment])[0])


def _mean(places: Sequence[tuple[Series, Ints]], steps: Floats, sequences: Floats, band: Band) -> Curve:
    values = np.stack([one.values[at] for one, at in places])
    low, high = (np.stack([getattr(one, end)[at] for one, at in places]) for end in ("low", "high"))
    ends = band_bounds(values, low, high, band)
    return Curve(
        steps=steps,
        sequences=sequences,
        mean=values.mean(0),
        low=ends[0],
        high=ends[1],
        n_runs=np.full(len(steps), len(places), dtype=np.int64),
        n_sequences=sum((one.n_sequences[at] for one, at in places), start=np.zeros(len(steps), dtype=np.int64)),
        chance=places[0][0].chance,
    )
