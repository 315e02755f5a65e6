"""Curves as the page takes them: 32-bit numbers as text, grids of steps that many runs share said once."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from icl_data.foundation.printable import printable
from icl_eval._picture.measures import Measure
from icl_eval._report.found import Found

__all__ = ["MOST_POINTS", "Curves", "measures_of", "packed"]

MOST_POINTS = 1000
"""Of a longer curve the page has so many points, evenly spread over its records; the CSV file has all."""

_MOST_BYTES = 9_000_000  # of all curves, as text
_LAST_STEP = 2**31 - 1  # of 32 bits; no run has more updates, and a file may say anything
_FIRST = (
    *map(Measure, ("fewshot_holdout", "no_support_zipfian", "flipped", "novel_label")),
    Measure("train", "loss"),
)

Curves = dict[str, Any]


def measures_of(found: Found) -> list[Measure]:
    """What the runs recorded: what the paper plots, other headline accuracies, then losses."""
    columns = found.columns
    codes = columns["split"].astype(np.int64) * len(found.metrics) + columns["metric"]
    codes = codes * 2 + columns["headline"]
    measures: dict[Measure, None] = {}
    for code in np.unique(codes):
        both, headline = divmod(int(code), 2)
        split, metric = divmod(both, len(found.metrics))
        measures[Measure(found.splits[split], "" if headline else found.metrics[metric])] = None
    rest = sorted(measures, key=lambda one: (bool(one.metric), one != _FIRST[-1], one.name))
    return [*(one for one in _FIRST if one in measures), *(one for one in rest if one not in _FIRST)]


def packed(found: Found, measures: Sequence[Measure]) -> tuple[list[Curves], list[str], list[str]]:
    """The curves of measures, grids of steps that they count in, and notes on what the page does not have.

    Args:
        found: the runs.
        measures: the most wanted first: the last ones are left out where the page would grow too large.
    """
    grids: dict[bytes, int] = {}
    curves: list[Curves] = []
    left, shortened, size = [], 0, 0
    beyond = int(np.count_nonzero(found.columns["step"] > _LAST_STEP))
    for measure in measures:
        of_measure, cut = _of(found, measure, grids)
        size += sum(len(of_measure[part] or "") for part in ("values", "low", "high"))
        if size > _MOST_BYTES and curves:
            left.append(measure.name)
            curves.append({**of_measure, "values": "", "low": None, "high": None, "curves": []})
            continue
        shortened += cut
        curves.append(of_measure)
    notes = []
    if shortened:
        notes.append(f"{shortened} curves have more than {MOST_POINTS:,} points: the page has that many of each.")
    if beyond:
        notes.append(f"{beyond} values are at updates beyond {_LAST_STEP:,}, and in the CSV file alone.")
    if left:
        notes.append(
            f"Too large for this page, and in the CSV file alone: curves of {', '.join(map(printable, left))}."
        )
    return curves, [_text(np.frombuffer(steps, dtype="<i4")) for steps in grids], notes


def _of(found: Found, measure: Measure, grids: dict[bytes, int]) -> tuple[Curves, int]:
    rows = _rows(found, measure) & (found.columns["step"] <= _LAST_STEP)
    columns = {key: found.columns[key][rows] for key in ("run", "step", "value", "low", "high")}
    starts = np.flatnonzero(np.diff(columns["run"], prepend=-1))
    ends = np.append(starts[1:], len(columns["run"]))
    kept, places, offset, cut = [], [], 0, 0
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        chosen = np.arange(start, end)
        if len(chosen) > MOST_POINTS:
            chosen = start + np.linspace(0, end - start - 1, MOST_POINTS).round().astype(np.int64)
            cut += 1
        steps = columns["step"][chosen].astype("<i4").tobytes()
        places.append([int(columns["run"][start]), grids.setdefault(steps, len(grids)), offset])
        kept.append(chosen)
        offset += len(chosen)
    every = np.concatenate(kept) if kept else np.zeros(0, dtype=np.int64)
    bounded = bool(np.isfinite(columns["low"]).any())
    return {
        "name": printable(measure.name),
        "short": printable(measure.short),
        "label": printable(measure.label),
        "share": measure.is_share,
        "values": _text(columns["value"][every].astype("<f4")),
        "low": _text(columns["low"][every].astype("<f4")) if bounded else None,
        "high": _text(columns["high"][every].astype("<f4")) if bounded else None,
        "curves": places,
    }, cut


def _rows(found: Found, measure: Measure) -> npt.NDArray[np.bool_]:
    rows = found.columns["split"] == found.splits.index(measure.split)
    if measure.metric:
        of_metric = found.columns["metric"] == found.metrics.index(measure.metric)
        return np.asarray(rows & ~found.columns["headline"] & of_metric)
    return np.asarray(rows & found.columns["headline"])


def _text(numbers: npt.NDArray[Any]) -> str:
    return base64.b64encode(numbers.tobytes()).decode("ascii")
