"""What can be measured of a run, the accuracy that each split is measured by, and the lines that tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from icl_train._evaluations.built_in import BUILT_IN

__all__ = [
    "EVAL_SPLITS",
    "HEADLINES",
    "Headline",
    "Record",
    "headline_of",
    "headlines_in",
    "progress_line",
    "scored",
    "step_line",
    "told_of",
    "told_splits",
]

Record = dict[str, Any]

EVAL_SPLITS = tuple(BUILT_IN)
"""Every evaluation that has a name already: the types of sequence, and controls of both kinds of learning."""


@dataclass(frozen=True)
class Headline:
    """The accuracy that a split is measured by.

    Attributes:
        short: what it is called where room is short.
        label: what it is called in tables and on axes.
        metric: its name in metrics.jsonl.
    """

    short: str
    label: str
    metric: str


HEADLINES = {
    "fewshot_holdout": Headline("ICL", "ICL two-way accuracy (new classes)", "accuracy_closed"),
    "flipped": Headline("ICL flipped", "ICL two-way accuracy, labels flipped", "accuracy_closed"),
    "novel_label": Headline("ICL novel labels", "ICL two-way accuracy, novel labels", "accuracy_closed"),
    "no_support_zipfian": Headline("IWL", "IWL accuracy over all labels (no support)", "accuracy_query"),
}
"""Split → the accuracy that the paper plots."""


_OVER = {"accuracy_query": "all labels", "accuracy_closed": "its labels", "accuracy_class": "its classes"}

_SHORT = {
    "no_support_common": "IWL common",
    "no_support_rare": "IWL rare",
    "flip": "flip",
    "ciwl": "CIWL",
    "fewshot_zipfian": "ICL trained",
}
# What is told of an evaluation in a line: the two that the paper plots, and what they are made up of.
_TOLD = ("fewshot_holdout", "no_support_zipfian", "no_support_common", "no_support_rare")
_TOLD_OTHERWISE = 2


def headline_of(split: str, *, polysemy: bool = False, metric: str | None = None) -> Headline:
    """The accuracy a split is measured by: over its own labels, or over all where it has the labels of training.

    Args:
        split: name of an evaluation.
        polysemy: whether classes have several labels; without support, any label of the class is then right.
        metric: what its records say, which is how evaluations of a run's own are known; None for one of
            ``EVAL_SPLITS``.
    """
    if metric is None:
        built_in = BUILT_IN.get(split)
        metric = "accuracy_closed" if built_in is None else built_in.headline_metric(polysemy=polysemy)
    if split in HEADLINES and HEADLINES[split].metric == metric:
        return HEADLINES[split]
    return Headline(_SHORT.get(split, split), f"{split} accuracy over {_OVER.get(metric, metric)}", metric)


_OF_TRAINING: tuple[str, ...] = ("sequences", "loss", "accuracy_query", "learning_rate", "sequences_per_second")


def progress_line(record: Record) -> str:
    """A line of progress.txt: ``[step 00100] … loss=3.466``, ``[eval_fewshot_holdout step 01000] accuracy_closed=…``.

    Of a training line the means that say how it goes, of an evaluation its headline accuracy with its interval, what
    guessing gives, how many sequences were asked, and the loss; everything is in metrics.jsonl.

    Args:
        record: a line of metrics.jsonl.
    """
    split = record["split"]
    head, names = f"[step {record['step']:05d}]", _OF_TRAINING
    if split != "train":
        metric = scored(record).metric
        head, names = f"[{split} step {record['step']:05d}]", (metric, "chance", "n_sequences", "loss_query")
    values = [f"{name}={_readable(record[name])}{_interval(record, name)}" for name in names if name in record]
    return " ".join([head, *values])


def headlines_in(records: Sequence[Record], *, chance: bool = False) -> list[str]:
    """The in-context and the in-weights accuracy of one evaluation, where it has them: ``ICL .498``, ``IWL .031``.

    And that of common and of rare classes; where it has none of these, the first two of what it has.

    Args:
        records: lines of metrics.jsonl, of one moment.
        chance: say what guessing gives, too.
    """
    told = []
    for record in told_of(records):
        headline = scored(record)
        guessing = f" (chance {_share(record['chance'])})" if chance else ""
        told.append(f"{headline.short} {_share(record[headline.metric])}{guessing}")
    return told


def told_of(records: Sequence[Record]) -> list[Record]:
    """Of the lines of one evaluation, those that a line of progress tells of."""
    found = {record["split"].removeprefix("eval_"): record for record in records if record["split"] != "train"}
    return [found[split] for split in told_splits(list(found))]


def told_splits(splits: Sequence[str]) -> list[str]:
    """Of evaluations, those that are told where room is short: the best known ones, or the first two."""
    return [split for split in splits if split in _TOLD] or list(splits[:_TOLD_OTHERWISE])


def scored(record: Record) -> Headline:
    """The accuracy that a line of an evaluation is measured by, as it says itself."""
    return headline_of(record["split"].removeprefix("eval_"), metric=record.get("headline"))


def step_line(step: int, last: int, *values: str) -> str:
    """``step 250/5000  ICL .498  IWL .031  loss 3.41  8,900 seq/s  2:10 left``; empty values are left out.

    Args:
        step: updates done.
        last: updates in all.
        values: what is to be said, in order.
    """
    return "  ".join([f"step {step}/{last}", *(value for value in values if value)])


def _share(value: float | None) -> str:
    """An accuracy as papers print it: `.498`, `1.000`."""
    return "-" if value is None else f"{value:.3f}".removeprefix("0")


def _readable(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _interval(record: Record, name: str) -> str:
    low, high = record.get(f"{name}_low"), record.get(f"{name}_high")
    return f" [{low:.3g}, {high:.3g}]" if isinstance(low, int | float) and isinstance(high, int | float) else ""
