"""Which runs belong on one figure: found by their configuration, grouped by the settings that it keeps fixed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from icl_data.foundation.printable import printable
from icl_eval._loading.choosing import Read, each_once, run_names, take_runs
from icl_eval._loading.records import UNREADABLE, checked_records, why_unreadable
from icl_train import RunConfig, RunError, RunFolder, RunUnreadable, departures

__all__ = [
    "OMNIGLOT_CHARACTERS",
    "SOURCES",
    "Evaluation",
    "RunGroup",
    "RunSeries",
    "collect",
    "each_once",
    "group_runs",
    "require_checkpoints",
    "run_names",
]

# Settings that figure 3 varies, and those that change no number of a run.
_NOT_COMPARED = {
    "data.n_rare_classes",
    "seeds.init",
    "seeds.data",
    "eval.interval",
    "eval.steps",
    "eval.log_spaced_steps",
}
OMNIGLOT_CHARACTERS = 1623
"""More classes than these are there by augmentation alone."""

SOURCES = {"gaussian": "Gaussian classes", "omniglot": "Omniglot", "symbolic": "symbolic ids"}
"""Built-in source → what it is called in titles."""


@dataclass(frozen=True)
class Evaluation:
    """All splits of one evaluation of one run.

    Attributes:
        step: updates done.
        sequences: training sequences seen.
        splits: split → its line of metrics.jsonl.
    """

    step: int
    sequences: int
    splits: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class RunSeries:
    """A run and its evaluations by step, ascending; there is at least one."""

    run: RunFolder
    evaluations: tuple[Evaluation, ...]

    @property
    def class_count(self) -> int:
        """Number of trained classes."""
        return self.run.config.data.n_trained_classes

    @property
    def seed(self) -> int:
        """Seed of the data (and, in a sweep, of the weights)."""
        return self.run.config.seeds.data


@dataclass(frozen=True)
class RunGroup:
    """Runs that differ in class count and seed alone.

    Attributes:
        title: what the group is, in words: the source, the model, and what sets it apart from the other groups.
        series: its runs, by class count, then seed.
    """

    title: str
    series: tuple[RunSeries, ...]

    @property
    def config(self) -> RunConfig:
        """The configuration of its first run."""
        return self.series[0].run.config

    def class_counts(self) -> list[int]:
        """Class counts, ascending."""
        return sorted({series.class_count for series in self.series})

    def with_count(self, count: int) -> list[RunSeries]:
        """The runs with this class count, by seed."""
        return [series for series in self.series if series.class_count == count]


def collect(*roots: Path, unfinished: bool = False) -> tuple[list[RunSeries], list[str]]:
    """Runs below ``roots`` that have evaluations, and a line for each folder that was passed over.

    Records need no plugin, so a run is taken without those of its model; a line then says which is missing.

    Args:
        roots: run folders, or any folders above some; a file beside others is passed over.
        unfinished: take runs that have not reached their last step as well.

    Raises:
        RunError: if one of ``roots`` is not there, or the only one is no folder.
    """
    taken, skipped = take_runs(roots, _read, unfinished=unfinished)
    return [RunSeries(run=one.run, evaluations=one.content) for one in taken], skipped


def _read(runs: Sequence[RunFolder]) -> Iterator[Read[tuple[Evaluation, ...]] | str]:
    for run in runs:
        try:
            evaluations = _evaluations(run)
        except UNREADABLE as error:
            yield why_unreadable(error)
        else:
            yield Read(evaluations[-1].step if evaluations else None, evaluations)


def _evaluations(run: RunFolder) -> tuple[Evaluation, ...]:
    by_step: dict[int, Evaluation] = {}
    for record in checked_records(run):
        if record["split"].startswith("eval_"):
            step = by_step.setdefault(record["step"], Evaluation(record["step"], record["sequences"], {}))
            step.splits[record["split"].removeprefix("eval_")] = record
    return tuple(by_step.values())


def group_runs(series: Iterable[RunSeries]) -> list[RunGroup]:
    """Groups of runs that belong on one panel, in order of first appearance by path.

    Args:
        series: runs with their evaluations.
    """
    groups: dict[tuple[tuple[str, str], ...], list[RunSeries]] = {}
    for one in series:
        groups.setdefault(_key(one.run.config), []).append(one)
    told_apart = departures([members[0].run.config for members in groups.values()], left_out=_NOT_COMPARED)
    return [
        RunGroup(
            title=_title(members[0].run.config, differences),
            series=tuple(sorted(members, key=lambda one: (one.class_count, one.seed, one.run.path))),
        )
        for members, differences in zip(groups.values(), told_apart, strict=True)
    ]


def _key(config: RunConfig) -> tuple[tuple[str, str], ...]:
    """All settings that runs of one panel share."""
    settings = config.telling()
    if config.data.source == "omniglot" and config.data.n_trained_classes > OMNIGLOT_CHARACTERS:
        # Augmentation alone gives so many: in the paper's figure that curve stands beside those without.
        settings |= {"data.augment": False, "data.n_common_classes": 10, "data.n_holdout_classes": 10}
    return tuple(sorted((name, str(value)) for name, value in settings.items() if name not in _NOT_COMPARED))


def _title(config: RunConfig, differences: dict[str, str]) -> str:
    model = f"{config.model.num_layers}-layer {config.model.sequence_model}"
    examples = SOURCES.get(config.data.source, config.data.source) + (" 28x28" if config.data.downsample else "")
    title = f"{examples}, {model}, p(bursty) {config.data.p_bursty:g}"
    if config.data.n_labels:
        title += f", {config.data.n_labels} shared labels"
    said = (
        "data.source",
        "data.downsample",
        "model.num_layers",
        "model.sequence_model",
        "data.p_bursty",
        "data.n_labels",
    )
    others = [f"{name} {value}" for name, value in differences.items() if name not in said]
    # One panel's title has room for a few settings; the CSV files name the runs, and these hold the rest.
    shown = [", ".join(others[start : start + 2]) for start in range(0, len(others), 2)]
    return "\n".join(map(printable, [title, *shown]))


def require_checkpoints(run: RunFolder, steps: Sequence[int]) -> None:
    """Raise where ``run`` has no checkpoint of one of ``steps``, or none were asked for.

    Raises:
        RunError: naming the checkpoints that it has; RunUnreadable if it had that one once.
    """
    available = run.checkpoint_steps()
    missing = [step for step in steps if step not in available]
    gone = sorted(set(missing) & set(run.promised_checkpoints())) if missing else ()
    if gone:
        told = ", ".join(map(str, gone[:3])) + (f" and {len(gone) - 3} more" if len(gone) > 3 else "")
        raise RunUnreadable(
            f"{run.path} must have the checkpoint of step {told}, which it had, got those of "
            f"{', '.join(map(str, available)) or 'none'} (icl-train resume, or --step for an older one)"
        )
    if not available:
        raise RunError(f"{run.path} must have a checkpoint to be measured, got none")
    if missing or not steps:
        raise RunError(
            f"steps must be checkpoints of {run.path} ({', '.join(map(str, available))}), "
            f"got {', '.join(map(str, missing)) or 'none'}"
        )
