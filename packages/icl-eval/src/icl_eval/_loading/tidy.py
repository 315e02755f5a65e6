"""Everything that runs have measured in one tidy table: a row for each value."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icl_data.foundation.command_line import listed, nearest
from icl_data.foundation.paths import user_path
from icl_eval._loading.settings import settings_frame, varying
from icl_eval._runs import RunSeries, collect, run_names

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Paths", "RunsSkipped", "load_runs", "roots_of"]

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]

_USUAL = ("loss", "loss_query", "accuracy_query")


class RunsSkipped(UserWarning):
    """Folders that were not taken as runs."""


def load_runs(
    *paths: Paths,
    splits: Sequence[str] | None = None,
    metrics: Sequence[str] | str | None = None,
    settings: Sequence[str] | str = "all",
    unfinished: bool = False,
) -> pd.DataFrame:
    """What the runs below ``paths`` measured, as one tidy table: a row for each value of a metric.

    Columns: ``run`` (what it is called), its settings as ``data.p_bursty``, ``step`` (updates),
    ``sequences`` (seen in training), ``split`` (``train``, ``fewshot_holdout``, …), ``metric``, ``value``, ``low`` and
    ``high`` (95% Wilson bounds), ``chance``, ``n_sequences`` (measured), and ``headline``: whether the metric is what
    its split is measured by. Rows are by run, step and split.

    Args:
        paths: run folders, or any folders above some.
        splits: which splits; None for all.
        metrics: which metrics; None for headlines and losses, "all" for each number that there is.
        settings: which settings have columns; "all", "varying" for those in which the runs differ, or names.
        unfinished: take runs that have not reached their last step as well.

    Returns:
        The table; ``attrs["skipped"]`` has a line for each folder that was passed over, and a warning says so.

    Raises:
        RunError: if one of ``paths`` is not there.
        ValueError: if no run has such a split, metric or setting.
    """
    import pandas as pd

    series, skipped = collect(*roots_of(paths), unfinished=unfinished)
    names = run_names([one.run for one in series])
    rows = [(number, *row) for number, one in enumerate(series) for row in _rows(one)]
    columns = [
        "run",
        "step",
        "sequences",
        "split",
        "metric",
        "value",
        "low",
        "high",
        "chance",
        "n_sequences",
        "headline",
    ]
    table = pd.DataFrame(rows, columns=columns)
    for name in ("value", "low", "high", "chance"):
        table[name] = table[name].astype("float64")
    table["n_sequences"] = table["n_sequences"].astype("Int64")
    table["headline"] = table["headline"].astype(bool)
    for column, wanted in (("split", splits), ("metric", None if isinstance(metrics, str) else metrics)):
        if wanted is not None:
            _require(f"{column}s", wanted, sorted(set(table[column])))
            table = table[table[column].isin(wanted)]
    if metrics is None:
        table = table[
            table["headline"]
            | table["metric"].isin(_USUAL[:2])
            | ((table["split"] == "train") & table["metric"].isin(_USUAL))
        ]
    table = table.reset_index(drop=True)
    of_runs = settings_frame([one.run.config.flat() for one in series])
    if settings == "varying":
        of_runs = of_runs[varying(of_runs)]
    elif settings != "all":
        _require("settings", settings, [str(name) for name in of_runs])
        of_runs = of_runs[list(settings)]
    spread = of_runs.take(table["run"].to_numpy()).reset_index(drop=True)
    table["run"] = pd.Categorical.from_codes(table["run"], categories=pd.Index(names))
    for name in ("split", "metric"):
        table[name] = table[name].astype("category")
    table = pd.concat([table[["run"]], spread, table.drop(columns="run")], axis=1)
    table.attrs["skipped"] = skipped
    if skipped:
        others = f" (and {len(skipped) - 1} more lines: attrs['skipped'])" if len(skipped) > 1 else ""
        warnings.warn(f"{skipped[0]}{others}", RunsSkipped, stacklevel=2)
    return table


def roots_of(paths: Iterable[Paths]) -> list[Path]:
    """The folders that are meant by paths and lists of paths."""
    return [user_path(path) for one in paths for path in ([one] if isinstance(one, str | os.PathLike) else one)]


def _require(what: str, wanted: Sequence[str], known: Sequence[str]) -> None:
    for name in wanted:
        if name not in known:
            raise ValueError(f"{what} must be of {listed(known)}, got {name}{nearest(name, known)}")


def _rows(series: RunSeries) -> Iterator[tuple[Any, ...]]:
    """Rows but for the run, by step; the last record of a split and step counts."""
    records = {}
    for record in series.run.records():
        records[record["step"], record["split"]] = record
    for (step, split), record in sorted(records.items(), key=lambda item: item[0][0]):
        headline = record.get("headline")
        metrics = [name for name, value in record.items() if _is_metric(name, value)]
        for metric in sorted(metrics, key=lambda name: name != headline):
            value, low, high = (record.get(f"{metric}{end}") for end in ("", "_low", "_high"))
            yield (
                step,
                record["sequences"],
                split.removeprefix("eval_"),
                metric,
                value,
                low,
                high,
                record.get("chance"),
                record.get("n_sequences"),
                metric == headline,
            )


def _is_metric(name: str, value: object) -> bool:
    other = name in ("step", "sequences", "chance", "n_sequences") or name.endswith(("_low", "_high"))
    return not other and (value is None or (isinstance(value, int | float) and not isinstance(value, bool)))
