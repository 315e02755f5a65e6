"""A frame of records as arrays, and whether they surely are what `records` demands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from icl_eval._loading.parsing import TEXT, metrics_in
from icl_eval._loading.wanted import ACCURACIES
from icl_train import HEADLINES

if TYPE_CHECKING:
    import polars as pl

__all__ = ["NO_COUNT", "Columns", "Flags", "Floats", "Integers", "Numbers", "columns_of", "in_order", "sound"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

NO_COUNT = -1
_PROTOCOLS = ("paper", "released")


@dataclass(frozen=True)
class Columns:
    """Records as arrays, of one entry a record.

    Attributes:
        splits, metrics: names that ``split``, ``headline`` and the columns of ``value``, ``low``, ``high`` count in;
            splits as they are stored, with ``eval_``.
        split: which split.
        evaluated: whether the record is of an evaluation.
        step, sequences: as stored.
        n_sequences: as stored; NO_COUNT where there is none.
        chance: as stored; NaN where there is none.
        headline: which metric; -1 for none.
        value, low, high: (records, metrics), NaN where there is none.
        known_protocol: whether the protocol is one of ours.
    """

    splits: list[str]
    metrics: list[str]
    split: Numbers
    evaluated: Flags
    step: Integers
    sequences: Integers
    n_sequences: Integers
    chance: Floats
    headline: Numbers
    value: Floats
    low: Floats
    high: Floats
    known_protocol: Flags


def columns_of(frame: pl.DataFrame) -> Columns | None:
    """The frame's columns as arrays; None if a record has no split, step or number of sequences, or there is none."""
    import polars as pl

    if not frame.height or any(frame[name].null_count() for name in ("split", "step", "sequences")):
        return None
    filled = frame.select(
        pl.col(TEXT).to_physical().cast(pl.Int64).fill_null(-1),
        pl.col("step", "sequences"),
        pl.col("n_sequences").fill_null(NO_COUNT),
        pl.col(pl.Float64).fill_null(float("nan")),
    )
    names = {name: _names(frame[name], filled[name].to_numpy()) for name in TEXT}
    metrics = metrics_in(frame)
    splits, split = names["split"]
    protocols, protocol = names["protocol"]
    headlines, headline = names["headline"]
    nothing = np.full(frame.height, np.nan)
    value, low, high = (
        np.stack(
            [
                filled[f"{metric}{end}"].to_numpy() if f"{metric}{end}" in filled.columns else nothing
                for metric in metrics
            ],
            axis=1,
        )
        for end in ("", "_low", "_high")
    )
    return Columns(
        splits=splits,
        metrics=metrics,
        split=split,
        evaluated=_flags([name.startswith("eval_") for name in splits], split),
        step=filled["step"].to_numpy(),
        sequences=filled["sequences"].to_numpy(),
        n_sequences=filled["n_sequences"].to_numpy(),
        chance=filled["chance"].to_numpy(),
        headline=_renumbered(
            [metrics.index(name) if name in metrics else len(metrics) for name in headlines], headline
        ),
        value=value,
        low=low,
        high=high,
        known_protocol=_flags([name in _PROTOCOLS for name in protocols], protocol),
    )


def sound(columns: Columns) -> bool:
    """Whether each record surely passes the checks of `records`; False is no verdict."""
    evaluated, headline = columns.evaluated, columns.headline
    training = _flags([name == "train" for name in columns.splits], columns.split) & (headline == -1)
    if not np.all(evaluated | training) or np.any(columns.step < 0) or np.any(columns.sequences < 0):
        return False
    which = np.flatnonzero(evaluated)
    metric = headline[which]
    by_accuracy = _flags([*(name in ACCURACIES for name in columns.metrics), False], metric)
    if not np.all(by_accuracy & columns.known_protocol[which] & (columns.n_sequences[which] >= 0)):
        return False
    for number, name in enumerate(columns.splits):
        expected = HEADLINES.get(name.removeprefix("eval_"))
        if expected and not np.all(metric[columns.split[which] == number] == columns.metrics.index(expected.metric)):
            return False
    shares = (columns.chance[which], *(part[which, metric] for part in (columns.value, columns.low, columns.high)))
    return all(np.all((share >= 0) & (share <= 1)) for share in shares)


def in_order(columns: Columns, runs: Numbers) -> bool:
    """Whether the records of each run are by step, and none of a split and step is there twice.

    Args:
        columns: records of some runs, run after run.
        runs: the number of the run of each record.
    """
    parts = [columns.split == split for split in range(len(columns.splits))]
    ascending = all(bool(np.all((np.diff(columns.step[part]) > 0) | (np.diff(runs[part]) != 0))) for part in parts)
    return ascending and bool(np.all((np.diff(columns.step) >= 0) | (np.diff(runs) != 0)))


def _names(texts: pl.Series, stored: Integers) -> tuple[list[str], Numbers]:
    """The names that there are, and which one each record has; -1 for none."""
    found, first, codes = np.unique(stored, return_index=True, return_inverse=True)
    none = int(len(found) > 0 and found[0] < 0)
    return [str(texts[int(place)]) for place in first[none:]], (codes - none).astype(np.int32)


def _flags(of_names: list[bool], numbers: Numbers) -> Flags:
    """For each number what its name has; False for the number -1."""
    flags: Flags = np.array([*of_names, False])[numbers]
    return flags


def _renumbered(of_names: list[int], numbers: Numbers) -> Numbers:
    """For each number that of its name in another list; -1 stays."""
    renumbered: Numbers = np.array([*of_names, -1], dtype=np.int32)[numbers]
    return renumbered
