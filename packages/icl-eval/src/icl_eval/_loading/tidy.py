"""Everything that runs have measured in one tidy table: a row for each value."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from icl_eval._loading.assembled import Loaded, Names, Paths, load
from icl_eval._loading.columns import NO_COUNT, Numbers

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RunsSkipped", "load_runs", "tidy", "warn_of"]

_LARGE = 2**26  # bytes


class RunsSkipped(UserWarning):
    """Folders that were not taken as runs."""


def load_runs(
    *paths: Paths,
    splits: Names = None,
    metrics: Names = None,
    settings: Names = "all",
    unfinished: bool = False,
) -> pd.DataFrame:
    """What the runs below ``paths`` measured, as one tidy table: a row for each value of a metric.

    Columns: ``run`` (what it is called), ``status``, the settings as ``data.p_bursty``, ``step`` (updates),
    ``sequences`` (seen in training), ``split`` (``train``, ``fewshot_holdout``, …), ``metric``, ``value``, ``low`` and
    ``high`` (95% Wilson bounds), ``chance`` (what guessing gives, of headlines), ``n_sequences`` (measured), and
    ``headline``: whether the metric is what its split is measured by. Rows are by run, step and split.

    Numbers are numbers, also of settings (missing: NaN, or NA of whole numbers), names are categories. In a table of
    more than 64 MiB a setting that is the same everywhere takes no memory, and cannot be written into (a new column can
    take its place).

    Args:
        paths: run folders, or any folders above some; one or several, or lists.
        splits: which splits; None for all.
        metrics: which metrics; None for headlines and losses, "all" for every number that there is.
        settings: which settings have columns; "all", "varying" for those in which the runs differ, or names.
        unfinished: take runs that have not reached their last step as well.

    Returns:
        The table; ``attrs["skipped"]`` has a line for each folder that was passed over, and a warning says so.

    Raises:
        RunError: if one of ``paths`` is not there.
        ValueError: if no run has such a split, metric or setting.
    """
    loaded = load(paths, splits=splits, metrics=metrics, settings=settings, unfinished=unfinished)
    warn_of(loaded.skipped)
    return tidy(loaded)


def tidy(loaded: Loaded) -> pd.DataFrame:
    """The table of :func:`load_runs`; empties ``loaded.columns``."""
    import pandas as pd

    columns, of_runs = loaded.columns, loaded.runs
    run = columns.pop("run")
    large = len(run) * (of_runs.shape[1] + 10) * 8 > _LARGE
    table: dict[str, Any] = {str(name): _spread(of_runs[name].array, run) for name in of_runs}
    for name in ("step", "sequences"):
        table[name] = columns.pop(name)
    for name, names in (("split", loaded.splits), ("metric", loaded.metrics)):
        codes = columns.pop(name)
        table[name] = _category(codes, names)
    for name in ("value", "low", "high", "chance"):
        table[name] = columns.pop(name)
    counts = columns.pop("n_sequences")
    table["n_sequences"] = pd.arrays.IntegerArray(counts, counts == NO_COUNT)
    table["headline"] = columns.pop("headline")
    frame = pd.DataFrame(table, copy=not large)
    frame.attrs["skipped"] = loaded.skipped
    return frame


def warn_of(skipped: list[str]) -> None:
    """Warn the caller of a public function of folders that were passed over."""
    if skipped:
        others = f" (and {len(skipped) - 1} more: attrs['skipped'] of the table)" if len(skipped) > 1 else ""
        warnings.warn(f"{skipped[0]}{others}", RunsSkipped, stacklevel=3)


def _spread(values: Any, run: Numbers) -> Any:
    """A run's value for each of its rows; where all are the same, one that is only seen many times."""
    import pandas as pd

    if len(values) == 0 or pd.Series(values).nunique(dropna=False) > 1:
        return values.take(run)
    if isinstance(values, pd.Categorical):
        codes = np.broadcast_to(values.codes[:1], len(run))
        return pd.Categorical.from_codes(codes, dtype=values.dtype)
    if isinstance(values, pd.arrays.IntegerArray):
        return _masked(values, np.dtype(np.int64), len(run))
    if isinstance(values, pd.arrays.BooleanArray):
        return _masked(values, np.dtype(bool), len(run))
    return np.broadcast_to(values.to_numpy()[:1], len(run))


def _masked(values: Any, kind: np.dtype[Any], count: int) -> Any:
    first = values[:1].to_numpy(dtype=kind, na_value=0)
    return type(values)(np.broadcast_to(first, count), np.broadcast_to(values[:1].isna(), count))


def _category(codes: Numbers, names: list[str]) -> pd.Categorical:
    """Names as categories, in alphabetical order, but for those that no row has."""
    import pandas as pd

    used = np.bincount(codes, minlength=len(names)) > 0
    known = sorted(name for name, is_used in zip(names, used, strict=True) if is_used)
    to = np.array([known.index(name) if name in known else -1 for name in names] or [-1], dtype=np.int32)
    return pd.Categorical.from_codes(to[codes], categories=pd.Index(known, dtype="str"))
