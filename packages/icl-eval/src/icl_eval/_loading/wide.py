"""Runs in one wide table: a row for each run, with what it reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from icl_eval._loading.assembled import Loaded, Names, Paths, load
from icl_eval._loading.columns import Floats, Integers
from icl_eval._loading.tidy import warn_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["summarize_runs", "wide"]


def summarize_runs(
    *paths: Paths,
    splits: Names = None,
    metrics: Names = None,
    settings: Names = "all",
    unfinished: bool = False,
) -> pd.DataFrame:
    """What the runs below ``paths`` reached, as one wide table: a row for each run.

    Columns: ``run`` (what it is called), ``path``, ``status``, the settings as ``data.p_bursty``, ``step`` and
    ``sequences`` of its last evaluation, and for each split by what it is measured: ``fewshot_holdout_last`` with
    ``_last_step``, ``_last_low``, ``_last_high`` (95% Wilson bounds), ``_chance`` and ``_n_sequences``;
    ``fewshot_holdout_peak``, the greatest value, with ``_peak_step``, where it was first. Of other metrics the last
    value: ``train_loss_last``, ``fewshot_holdout_loss_query_last``.

    Args:
        paths, splits, metrics, settings, unfinished: as of `load_runs`.

    Returns:
        The table; ``attrs["skipped"]`` has a line for each folder that was passed over, and a warning says so.

    Raises:
        RunError, ValueError: as `load_runs`.
    """
    loaded = load(paths, splits=splits, metrics=metrics, settings=settings, unfinished=unfinished)
    warn_of(loaded.skipped)
    return wide(loaded)


def wide(loaded: Loaded) -> pd.DataFrame:
    """The table of :func:`summarize_runs`."""
    import pandas as pd

    of_runs, columns = loaded.runs, loaded.columns
    count = len(of_runs)
    table: dict[str, Any] = {
        "run": of_runs["run"].array,
        "path": pd.array(loaded.folders, dtype="str"),
        **{str(name): of_runs[name].array for name in of_runs if name != "run"},
        "step": np.array(loaded.last_steps, dtype=np.int64),
    }
    table["sequences"] = np.array(loaded.last_sequences, dtype=np.int64)
    for split in sorted(range(len(loaded.splits)), key=lambda split: loaded.splits[split]):
        name, of_split = loaded.splits[split], columns["split"] == split
        headlines = of_split & columns["headline"]  # which metric that is may differ from run to run
        if headlines.any():
            table |= _measured(name, _rows(columns, headlines), count)
        for metric in np.unique(columns["metric"][of_split & ~headlines]):
            rows = _rows(columns, of_split & ~headlines & (columns["metric"] == metric))
            found = _extremes(rows["run"], rows["value"])
            table[f"{name}_{loaded.metrics[metric]}_last"] = _floats(count, found.run, rows["value"][found.last])
    frame = pd.DataFrame(table, index=pd.RangeIndex(count))
    frame.attrs["skipped"] = loaded.skipped
    return frame


@dataclass(frozen=True)
class _Extremes:
    """Of each run that has values: its number, and the rows of the last one and of the greatest."""

    run: npt.NDArray[np.int32]
    last: Integers
    peak: Integers


def _rows(columns: dict[str, npt.NDArray[Any]], chosen: npt.NDArray[np.bool_]) -> dict[str, npt.NDArray[Any]]:
    return {name: column[chosen] for name, column in columns.items()}


def _measured(split: str, rows: dict[str, npt.NDArray[Any]], count: int) -> dict[str, Any]:
    """Columns of what a split is measured by, from its rows."""
    found, value = _extremes(rows["run"], rows["value"]), rows["value"]
    table: dict[str, Any] = {
        f"{split}_last": _floats(count, found.run, value[found.last]),
        f"{split}_last_step": _whole(count, found.run, rows["step"][found.last]),
    }
    for kind in ("low", "high"):
        table[f"{split}_last_{kind}"] = _floats(count, found.run, rows[kind][found.last])
    table[f"{split}_chance"] = _floats(count, found.run, rows["chance"][found.last])
    table[f"{split}_n_sequences"] = _whole(count, found.run, rows["n_sequences"][found.last])
    table[f"{split}_peak"] = _floats(count, found.run, value[found.peak])
    table[f"{split}_peak_step"] = _whole(count, found.run, rows["step"][found.peak])
    return table


def _extremes(runs: npt.NDArray[np.int32], values: Floats) -> _Extremes:
    """Of rows that are run after run, by step."""
    starts = np.flatnonzero(np.diff(runs, prepend=-1))
    ends = np.append(starts[1:], len(runs))
    greatest = np.repeat(np.fmax.reduceat(values, starts), ends - starts)
    rows = np.arange(len(runs))
    peak = np.minimum.reduceat(np.where(values == greatest, rows, len(runs) - 1), starts)
    return _Extremes(run=runs[starts], last=ends - 1, peak=peak)


def _floats(count: int, runs: npt.NDArray[Any], values: npt.NDArray[Any]) -> Floats:
    column = np.full(count, np.nan)
    column[runs] = values
    return column


def _whole(count: int, runs: npt.NDArray[Any], values: npt.NDArray[Any]) -> pd.arrays.IntegerArray:
    """Whole numbers, missing where a run has none."""
    import pandas as pd

    column, missing = np.zeros(count, dtype=np.int64), np.ones(count, dtype=bool)
    column[runs], missing[runs] = values, False
    return pd.arrays.IntegerArray(column, missing)
