"""The runs that a page keeps, as folders again: drawn, compared and tabled together with those that are added.

Checkpoints are too large to keep, and trainings take days on several machines. A page's `configs/`, `runs.csv` and
`timeseries.csv` say all that its pictures and tables need, so that no run has to be at hand twice.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

from recorded_runs import MEASURES, read_rows

from icl_train import RunConfig, RunError, RunFolder, headline_of

__all__ = ["kept_runs"]

_SPLITS = sorted({split for split, _ in MEASURES.values()})
_ENDS = ("", "_low", "_high")
_HOW = "bring back the page's files, or make it anew of run folders alone with --fresh"


def kept_runs(page: Path, into: Path) -> list[tuple[RunFolder, dict[str, str]]]:
    """The runs of a page, each with its row in `runs.csv`; none of a page without one.

    Args:
        page: its folder.
        into: an empty folder, in which the runs are made.

    Raises:
        RunError: if a file of the page is not what a build has written.
    """
    try:
        values = read_rows(page / "timeseries.csv")
        return [(_made(page, row, values, into), row) for row in read_rows(page / "runs.csv")]
    except RunError as error:
        raise RunError(f"{error}; {_HOW}") from error
    except KeyError as error:
        raise RunError(f"{page} must be what a build has written: a file has no column {error}; {_HOW}") from error
    except (ValueError, TypeError, csv.Error) as error:  # a short line has None
        raise RunError(f"{page} must be what a build has written: {error}; {_HOW}") from error


def _made(page: Path, row: dict[str, str], values: list[dict[str, str]], into: Path) -> RunFolder:
    """The folder of one row of `runs.csv`."""
    name, threads = row["run"], int(row["threads"])
    file = page / "configs" / f"{name}.json"
    if not file.exists():
        raise RunError(f"{file} must be there, since runs.csv has a row of that run")
    try:
        config = RunConfig.from_dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{file} must hold the settings of a run: {error}") from error
    own = [one for one in values if one["run"] == name]
    if not own:
        raise RunError(f"{page / 'timeseries.csv'} must have rows of {name}, since runs.csv has one")
    run = RunFolder.create(into / name, config, device=row["device"], threads=threads)
    for one in own:
        run.append(_records(config, one))
    if row["state"] == "done":
        run.mark_done()
    return run


def _records(config: RunConfig, row: dict[str, str]) -> list[dict[str, object]]:
    """What metrics.jsonl had of an evaluation, as far as the page knows it."""
    place = {"step": int(row["step"]), "sequences": int(row["sequences"])}
    labels = config.data.n_labels or config.data.n_trained_classes
    chance = {"accuracy_closed": 1 / config.data.ways, "accuracy_query": 1 / labels}
    records: list[dict[str, object]] = []
    if row["training_accuracy"]:
        records.append({"split": "train", **place, "accuracy_query": float(row["training_accuracy"])})
    for split in _SPLITS:
        headline = headline_of(split).metric
        metrics = {
            f"{metric}{end}": float(row[f"{name}{end}"])
            for name, (of, metric) in MEASURES.items()
            if of == split and row[name]
            for end in _ENDS
        }
        if metrics:
            told = {"headline": headline, "chance": chance[headline], "n_sequences": int(row["n_sequences"])}
            records.append({"split": f"eval_{split}", **place, **told, "protocol": config.data.protocol, **metrics})
    return records
