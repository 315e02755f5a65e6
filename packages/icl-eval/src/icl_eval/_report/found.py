"""What the report is about: every run below some folders that has an evaluation, and what is said of the others."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from icl_eval._loading.assembled import Loaded, load
from icl_eval._loading.tidy import tidy
from icl_eval._loading.wide import wide
from icl_eval._picture.names import chosen_runs, conditions, is_seed
from icl_eval._picture.runs import RunSettings, run_settings
from icl_train import RunError, RunFolder, find_runs, step_reached, why_failed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Found", "find", "states_below"]


@dataclass(frozen=True, eq=False)
class Found:
    """Runs and what they measured.

    Attributes:
        summary: a row for each run, as of `summarize_runs`.
        folders: the run folders, in that order.
        settings: run → the settings that make it another experiment, without seeds.
        columns: the values, as of `Loaded`; ``run`` counts in the rows of ``summary``.
        splits, metrics: names that ``split`` and ``metric`` count in.
        steps: of each run, the updates that it has done.
        reasons: of each run why it has failed; empty for those that have not.
        curves: a row for each value, as of `load_runs`, without settings.
        skipped: a line for each folder that was passed over.
        awaited: a line for each value that was wanted and that no run has yet.
    """

    summary: pd.DataFrame
    folders: list[Path]
    settings: RunSettings
    columns: dict[str, npt.NDArray[Any]]
    splits: list[str]
    metrics: list[str]
    steps: list[int]
    reasons: list[str]
    curves: pd.DataFrame
    skipped: list[str]
    awaited: list[str]


def find(roots: Sequence[Path], where: Sequence[str] = (), *, wait: bool = False) -> Found:
    """Read the runs below ``roots``, finished or not.

    Args:
        roots: run folders, or any folders above some.
        where: keep runs that have these values alone: ``setting=value``, of one setting any of the values.
        wait: take a value that no run has as one that runs may have later.

    Raises:
        RunError: if one of ``roots`` is not there.
        ValueError: if no run has such a setting; or value, unless it is waited for.
    """
    wanted = conditions("--where", where)
    loaded = load(roots, splits=None, metrics=None, settings="all", unfinished=True)
    kept = list(map(str, loaded.runs["run"]))
    awaited: list[str] = []
    if wanted and kept:
        names = list(loaded.runs.columns)
        of_runs = run_settings(loaded.runs, also=tuple(filter(is_seed, names)))
        kept = list(chosen_runs("--where", wanted, names, of_runs, absent=awaited.append if wait else None))
    loaded = _only(loaded, kept)
    columns = dict(loaded.columns)
    last = np.zeros(len(loaded.runs), dtype=np.int64)
    np.maximum.at(last, columns["run"], columns["step"])
    told = [_told(*run) for run in zip(loaded.paths, loaded.runs["status"], last.tolist(), strict=True)]
    return Found(
        summary=wide(loaded),
        folders=loaded.paths,
        settings=run_settings(loaded.runs) if len(loaded.runs) else {},
        columns=columns,
        splits=loaded.splits,
        metrics=loaded.metrics,
        steps=[step for step, _ in told],
        reasons=[reason for _, reason in told],
        curves=_without_settings(loaded),
        skipped=loaded.skipped,
        awaited=[f"waiting for a run with {value}: none that --where leaves has it yet" for value in awaited],
    )


def states_below(roots: Sequence[Path]) -> dict[str, int]:
    """How many runs below ``roots`` are in each state, whether they have evaluations or not."""
    seen: dict[str, str] = {}
    for root in roots:
        for run in find_runs(root)[0]:
            try:
                seen.setdefault(os.path.realpath(run.path), run.status())
            except OSError:  # a folder that may be listed and not entered: among those that are skipped
                continue
    states = list(seen.values())
    return {state: states.count(state) for state in sorted(set(states))}


def _told(folder: Path, status: str, recorded: int) -> tuple[int, str]:
    """How far a run is, and why it has failed."""
    try:
        run = RunFolder.open(folder)
        return step_reached(run, recorded), (why_failed(run) or "") if status == "failed" else ""
    except (RunError, OSError):  # it was there when it was read
        return recorded, ""


def _only(loaded: Loaded, names: Sequence[str]) -> Loaded:
    """The same without the other runs."""
    keep = loaded.runs["run"].isin(names).to_numpy()
    if keep.all():
        return loaded
    places = np.cumsum(keep) - 1
    rows = keep[loaded.columns["run"]]
    columns = {name: column[rows] for name, column in loaded.columns.items()}
    columns["run"] = places[columns["run"]].astype(np.int32)
    runs = loaded.runs[keep].reset_index(drop=True)
    runs["run"] = runs["run"].cat.remove_unused_categories()
    return Loaded(
        runs=runs,
        folders=[one for one, kept in zip(loaded.folders, keep, strict=True) if kept],
        paths=[one for one, kept in zip(loaded.paths, keep, strict=True) if kept],
        last_steps=[one for one, kept in zip(loaded.last_steps, keep, strict=True) if kept],
        last_sequences=[one for one, kept in zip(loaded.last_sequences, keep, strict=True) if kept],
        splits=loaded.splits,
        metrics=loaded.metrics,
        columns=columns,
        skipped=loaded.skipped,
    )


def _without_settings(loaded: Loaded) -> pd.DataFrame:
    few = Loaded(
        runs=loaded.runs[["run", "status"]],
        folders=loaded.folders,
        paths=loaded.paths,
        last_steps=loaded.last_steps,
        last_sequences=loaded.last_sequences,
        splits=loaded.splits,
        metrics=loaded.metrics,
        columns=dict(loaded.columns),
        skipped=loaded.skipped,
    )
    return tidy(few)
