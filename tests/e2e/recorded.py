"""Runs of figure 3 whose records are written by hand, at the settings of the experiment: nothing is trained."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from icl_models import find_experiment
from icl_train import RunConfig, RunFolder, experiment_runs
from icl_train.metrics import wilson_interval

HEADLINES = {
    "fewshot_holdout": "accuracy_closed",
    "novel_label": "accuracy_closed",
    "flipped": "accuracy_closed",
    "no_support_zipfian": "accuracy_query",
}
IN_WEIGHTS = ("no_support_zipfian",)
INTERVAL = 10_000


def config_of(
    *, classes: int = 1600, seed: int = 0, statistics: int | None = 2, scale: str = "omniglot28"
) -> RunConfig:
    """A run of figure3."""
    runs = experiment_runs(find_experiment("figure3"), scale)
    config, *_ = (run.config for run in runs if run.where["classes"] == str(classes))
    embedder = replace(config.model.embedder_config, sequences_per_statistics=statistics)
    seeds = replace(config.seeds, init=seed, data=seed)
    return replace(config, model=replace(config.model, embedder_config=embedder), seeds=seeds)


def written(
    path: Path, config: RunConfig, *, until: int | None = None, icl: float = 0.7, iwl: float = 0.01
) -> RunFolder:
    """A run folder with evaluations up to a step, finished if that is the last one.

    Args:
        path: of the folder.
        config: of the run.
        until: updates done; None for all.
        icl, iwl: accuracies, the same at every step.
    """
    run = RunFolder.create(path, config, device="cpu", threads=1)
    last = config.train.max_steps
    until = last if until is None else until
    for step in range(0, until + 1, INTERVAL):
        if step:
            run.append([training_record(config, step)])
        run.append([evaluation(config, split, step, iwl if split in IN_WEIGHTS else icl) for split in HEADLINES])
    if until == last:
        run.mark_done()
    return run


def training_record(config: RunConfig, step: int) -> dict[str, object]:
    """Of the updates since the last one, at 100 a second."""
    speed = {"sequences_per_second": 100.0 * config.train.batch_size, "accuracy_query": 0.25, "loss": 1.0}
    return {"split": "train", "step": step, "sequences": step * config.train.batch_size, **speed}


def evaluation(config: RunConfig, split: str, step: int, accuracy: float) -> dict[str, object]:
    """A record of 2,000 sequences."""
    chance = 1 / config.data.n_trained_classes if split in IN_WEIGHTS else 0.5
    record: dict[str, object] = {"split": f"eval_{split}", "step": step, "sequences": 32 * step}
    record |= {"headline": HEADLINES[split], "chance": chance, "n_sequences": 2000, "protocol": "paper"}
    for metric, value in {"accuracy_query": accuracy / 2, "accuracy_both": 0.1, HEADLINES[split]: accuracy}.items():
        low, high = wilson_interval(round(value * 2000), 2000)
        record |= {metric: value, f"{metric}_low": low, f"{metric}_high": high}
    return record


def build_page(page: Path, *args: object) -> subprocess.CompletedProcess[str]:
    """The build of a page of results, and what it said."""
    command = [sys.executable, page / "build.py", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in files_of(folder)}


def files_of(folder: Path) -> Iterable[Path]:
    """All files below a folder, in order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())
