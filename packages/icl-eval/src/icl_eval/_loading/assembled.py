"""Runs and their values, put together from what was read: what every table is made from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from icl_data.foundation.command_line import listed, nearest
from icl_data.foundation.paths import user_path
from icl_data.foundation.printable import encodable
from icl_eval._loading.choosing import Taken, run_names, take_runs
from icl_eval._loading.reading import RunReader
from icl_eval._loading.records import is_metric
from icl_eval._loading.settings import settings_frame, varying
from icl_eval._loading.wanted import Wanted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Loaded", "Names", "Paths", "load"]

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
Names = str | Sequence[str] | None

_MOST_LISTED = 30


@dataclass(frozen=True)
class Loaded:
    """Runs and their values.

    Attributes:
        runs: a row for each: ``run``, ``status``, and its settings.
        folders: of each, as text.
        paths: of each, as the system has it.
        last_steps: of each, that of its last evaluation.
        last_sequences: of each, sequences trained on until then.
        splits, metrics: names that ``split`` and ``metric`` count in.
        columns: as in `Rows`; ``run`` counts in the rows of ``runs``.
        skipped: a line for each folder that was passed over.
    """

    runs: pd.DataFrame
    folders: list[str]
    paths: list[Path]
    last_steps: list[int]
    last_sequences: list[int]
    splits: list[str]
    metrics: list[str]
    columns: dict[str, npt.NDArray[Any]]
    skipped: list[str]


def load(paths: Iterable[Paths], *, splits: Names, metrics: Names, settings: Names, unfinished: bool) -> Loaded:
    """Read the runs below ``paths``.

    Args:
        paths, splits, metrics, settings, unfinished: as of `load_runs`.

    Raises:
        RunError: if one of ``paths`` is not there.
        ValueError: if no run has such a split, metric or setting.
    """
    wanted_splits, wanted_metrics = _names(splits), metrics if metrics == "all" else _names(metrics)
    readable = [name for name in wanted_metrics or () if is_metric(name, 0.0)]
    reader = RunReader(Wanted(wanted_splits, wanted_metrics if wanted_metrics in (None, "all") else readable))
    taken, skipped = take_runs(_roots(paths), reader, unfinished=unfinished)
    runs = _runs_frame(taken, settings)
    numbers = [one.content for one in taken]
    places = np.full(reader.count, -1, dtype=np.int32)
    places[numbers] = np.arange(len(numbers))
    columns = reader.rows.columns(places)
    known_splits, known_metrics = list(reader.rows.splits), list(reader.rows.metrics)
    if taken:
        _require("splits", wanted_splits or (), known_splits)
        if wanted_metrics not in (None, "all"):
            found = {known_metrics[number] for number in np.unique(columns["metric"])}
            missing = [name for name in wanted_metrics or () if name not in found]
            if missing:
                _require("metrics", missing, _metrics_of(taken))
    return Loaded(
        runs=runs,
        folders=[encodable(one.run.path) for one in taken],
        paths=[one.run.path for one in taken],
        last_steps=[one.last_step for one in taken],
        last_sequences=[one.last_step * one.run.config.train.batch_size for one in taken],
        splits=known_splits,
        metrics=known_metrics,
        columns=columns,
        skipped=skipped,
    )


def _roots(paths: Iterable[Paths]) -> list[Path]:
    return [user_path(path) for one in paths for path in ([one] if isinstance(one, str | os.PathLike) else one)]


def _names(names: Names) -> Sequence[str] | None:
    return (names,) if isinstance(names, str) else names


def _require(what: str, wanted: Iterable[str], known: Iterable[str]) -> None:
    known = sorted(known)  # polars hands them out in an order that hangs on what the process has read before
    for name in wanted:
        if name not in known:
            among = listed(known) if len(known) <= _MOST_LISTED else f"the {len(known)} of the runs ({known[1]}, …)"
            raise ValueError(f"{what} must be among {among}, got {name}{nearest(name, known)}")


def _metrics_of(taken: Sequence[Taken[int]]) -> list[str]:
    """Metrics that the last records of each run have; of a run that could not be read there is nothing here."""
    found: dict[str, None] = {}
    for one in taken:
        last = {record["split"]: record for record in one.run.records()}
        found |= {name: None for record in last.values() for name, value in record.items() if is_metric(name, value)}
    return list(found)


def _runs_frame(taken: Sequence[Taken[int]], settings: Names) -> pd.DataFrame:
    import pandas as pd

    of_runs = settings_frame([one.run.config.flat() for one in taken])
    if settings == "varying":
        of_runs = of_runs[varying(of_runs)]
    elif settings != "all" and taken:
        names = list(_names(settings) or ())
        for alone in ("all", "varying"):
            if alone in names:
                raise ValueError(f"settings must be {alone} alone or names, got {', '.join(names)}")
        _require("settings", names, [str(name) for name in of_runs])
        of_runs = of_runs[names]
    names = [encodable(name) for name in run_names([one.run for one in taken])]
    first = {
        "run": pd.Categorical.from_codes(np.arange(len(names)), categories=pd.Index(names, dtype="str")),
        "status": pd.Categorical([one.status for one in taken]),
    }
    return pd.concat([pd.DataFrame(first), of_runs], axis=1)
