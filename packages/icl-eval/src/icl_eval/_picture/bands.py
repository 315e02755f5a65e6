"""What is drawn around a mean: the least and greatest run, a standard deviation, or where the mean may lie."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from icl_eval._picture.picture import Floats

__all__ = ["BANDS", "BAND_NAMES", "Band", "band_bounds", "band_note", "check_band"]

Band = Literal["range", "sd", "bootstrap"]
BANDS: tuple[Band, ...] = get_args(Band)
BAND_NAMES = {"range": "least-greatest", "sd": "± sd", "bootstrap": "95% bootstrap"}
RESAMPLES = 4000
_SEED = 2205_05055  # any would do; this one keeps a figure the same from one drawing to the next


def check_band(band: str) -> None:
    """ValueError unless there is such a band."""
    if band not in BANDS:
        raise ValueError(f"band must be one of {', '.join(BANDS)}, got {band!r}")


def band_bounds(values: Floats, low: Floats, high: Floats, band: Band) -> tuple[Floats, Floats]:
    """Lower and upper end of the band at each point, (N,) each.

    Args:
        values: of each run and point, (R, N).
        low, high: of each run and point, the bounds that a single run has by itself (95% Wilson interval), (R, N); NaN
            for none.
        band: ``range``: least and greatest; ``sd``: mean ± a standard deviation of the runs (with R - 1);
            ``bootstrap``: 95% percentile interval of the mean of runs drawn again with replacement. One run has its own
            bounds.
    """
    if len(values) == 1:
        return low[0], high[0]
    if band == "range":
        return values.min(0), values.max(0)
    if band == "sd":
        mean, deviation = values.mean(0), values.std(0, ddof=1)
        return mean - deviation, mean + deviation
    drawn = np.random.default_rng(_SEED).integers(len(values), size=(RESAMPLES, len(values)))
    counts = np.stack([(drawn == run).mean(1) for run in range(len(values))], axis=1)  # (resamples, R): weights of runs
    ends = np.percentile(counts @ values, [2.5, 97.5], axis=0)
    return ends[0], ends[1]


def band_note(band: Band, n_runs: set[int]) -> str:
    """What the lines and their bands are, in words.

    Args:
        band: which.
        n_runs: the numbers of runs that points are means of.
    """
    several = sorted(n for n in n_runs if n > 1)
    single = "95% Wilson interval of its sequences"
    if not several:
        return f"Lines: one run each; band: {single}."
    number = f"{several[0]}" if len(several) == 1 else f"{several[0]} to {several[-1]}"
    drawn = {
        "range": "least to greatest",
        "sd": "± one standard deviation of the runs",
        "bootstrap": f"95% bootstrap interval of the mean ({RESAMPLES} resamples of the runs)",
    }[band]
    if 1 not in n_runs:
        return f"Lines: mean of n = {number} seeds; band: {drawn}."
    return f"Lines: mean of n = {number} seeds, or a single run; band: {drawn}, or {single}."
