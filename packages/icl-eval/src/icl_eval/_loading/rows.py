"""Columns of records as rows of values: a record has several metrics, a row has one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from icl_eval._loading.columns import Columns, Flags, Numbers
from icl_eval._loading.wanted import Wanted

__all__ = ["ROW_TYPES", "AllRows", "Rows", "rows_of"]

ROW_TYPES: dict[str, type[np.generic]] = {
    "run": np.int32,
    "step": np.int64,
    "sequences": np.int64,
    "split": np.int32,
    "metric": np.int32,
    "value": np.float64,
    "low": np.float64,
    "high": np.float64,
    "chance": np.float64,
    "n_sequences": np.int64,
    "headline": np.bool_,
}
"""Columns of rows → their types."""


@dataclass(frozen=True)
class Rows:
    """Values by run, step, split and metric, headlines first.

    Attributes:
        splits, metrics: names that ``split`` and ``metric`` count in; splits without ``eval_``.
        columns: those of ROW_TYPES, with an entry a row.
    """

    splits: list[str]
    metrics: list[str]
    columns: dict[str, npt.NDArray[Any]]


def rows_of(records: Columns, runs: Numbers, wanted: Wanted) -> Rows:
    """The values that are asked for.

    Args:
        records: records of some runs, run after run, by step.
        runs: the number of the run of each record.
        wanted: what is asked for.
    """
    asked = _asked(records, runs, wanted)
    record, slot = np.nonzero(asked)  # the first slot of a record is its headline, the others are its metrics
    headline = slot == 0
    metric = np.where(headline, records.headline[record], slot - 1)
    return Rows(
        splits=[name.removeprefix("eval_") for name in records.splits],
        metrics=records.metrics,
        columns={
            "run": runs[record],
            "step": records.step[record],
            "sequences": records.sequences[record],
            "split": records.split[record],
            "metric": metric,
            "value": records.value[record, metric],
            "low": records.low[record, metric],
            "high": records.high[record, metric],
            "chance": np.where(headline, records.chance[record], np.nan),
            "n_sequences": records.n_sequences[record],
            "headline": headline,
        },
    )


def _asked(records: Columns, runs: Numbers, wanted: Wanted) -> Flags:
    """Whether a row is asked for: (records, 1 + metrics), the headline first."""
    asked = np.empty((len(runs), 1 + len(records.metrics)), dtype=bool)
    as_headline = np.array([*(wanted.headline(name) for name in records.metrics), False])
    asked[:, 0] = as_headline[records.headline]
    measured = _ever_measured(records, runs)
    for number, name in enumerate(records.metrics):
        of_training, of_evaluation = wanted.beside(name, training=True), wanted.beside(name, training=False)
        beside = np.where(records.evaluated, of_evaluation, of_training)
        asked[:, 1 + number] = beside & measured[:, number] & (records.headline != number)
    if wanted.splits is not None:
        of_split = [name.removeprefix("eval_") in wanted.splits for name in records.splits]
        asked &= np.array(of_split, dtype=bool)[records.split][:, None]
    return asked


def _ever_measured(records: Columns, runs: Numbers) -> Flags:
    """Whether the split of a record has a number of each metric at any step of the run: what is null then is NaN."""
    group = (runs - runs[0]).astype(np.int64) * len(records.splits) + records.split
    found = np.zeros((group.max() + 1, len(records.metrics)), dtype=bool)
    for metric in range(len(records.metrics)):
        found[group[~np.isnan(records.value[:, metric])], metric] = True
    measured: Flags = found[group]
    return measured


class AllRows:
    """The rows of all runs, each column one array that grows in its place: memory never holds a column twice."""

    def __init__(self, room: int = 2**16) -> None:
        self.splits: dict[str, int] = {}
        self.metrics: dict[str, int] = {}
        self.count = 0
        self._columns = {name: np.empty(room, dtype) for name, dtype in ROW_TYPES.items()}

    def add(self, rows: Rows) -> None:
        """Add some at the end."""
        start, self.count = self.count, self.count + len(rows.columns["run"])
        self._reserve()
        for name, column in rows.columns.items():
            self._columns[name][start : self.count] = column
        for name, known, names in (("split", self.splits, rows.splits), ("metric", self.metrics, rows.metrics)):
            number = np.array([known.setdefault(one, len(known)) for one in names], dtype=np.int32)
            self._columns[name][start : self.count] = number[rows.columns[name]]

    def columns(self, places: Numbers) -> dict[str, npt.NDArray[Any]]:
        """All columns, and nothing is left here; without the runs whose place is negative.

        Args:
            places: what each run's number becomes.
        """
        for column in self._columns.values():
            column.resize(self.count, refcheck=False)
        columns, self._columns = self._columns, {}
        columns["run"] = places[columns["run"]]
        kept = columns["run"] >= 0
        if not kept.all():
            for name in columns:
                columns[name] = columns[name][kept]
        return columns

    def _reserve(self) -> None:
        room = len(self._columns["run"])
        if self.count > room:
            for column in self._columns.values():
                column.resize(max(self.count, room + room // 2), refcheck=False)
