"""What can be measured of a run, the accuracy that each split is measured by, and the lines that tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from icl_train.config import SEQUENCE_TYPES

__all__ = [
    "EVAL_SPLITS",
    "HEADLINES",
    "TRAINING_SPLITS",
    "Headline",
    "Record",
    "headline_of",
    "headlines_in",
    "progress_line",
    "sequence_type_of",
    "step_line",
]

Record = dict[str, Any]

TRAINING_SPLITS = ("fewshot_holdout", "flipped", "novel_label", "no_support_zipfian")
"""What an evaluation inside training measures."""

EVAL_SPLITS = (*TRAINING_SPLITS, *(name for name in SEQUENCE_TYPES if name not in TRAINING_SPLITS))
"""Every split that can be measured: the types of sequence, and two controls of in-context learning."""


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


def headline_of(split: str, *, polysemy: bool = False) -> Headline:
    """The accuracy a split is measured by: over its own labels, or over all where it has the labels of training.

    Args:
        split: one of ``EVAL_SPLITS``.
        polysemy: whether classes have several labels; without support, any label of the class is then right.
    """
    if polysemy and split in ("no_support_common", "no_support_rare"):
        return Headline(split, f"{split} accuracy over its classes", "accuracy_class")
    if split in ("bursty", "mixed"):
        return Headline(split, f"{split} accuracy over all labels", "accuracy_query")
    return HEADLINES.get(split, Headline(split, f"{split} accuracy over its labels", "accuracy_closed"))


def sequence_type_of(split: str) -> str:
    """The type of sequence that a split is drawn as: the controls of in-context learning ask about few-shot ones."""
    return "fewshot_holdout" if split in ("flipped", "novel_label") else split


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
        metric = record.get("headline", headline_of(split.removeprefix("eval_")).metric)
        head, names = f"[{split} step {record['step']:05d}]", (metric, "chance", "n_sequences", "loss_query")
    values = [f"{name}={_readable(record[name])}{_interval(record, name)}" for name in names if name in record]
    return " ".join([head, *values])


def headlines_in(records: Sequence[Record], *, chance: bool = False) -> list[str]:
    """The in-context and the in-weights accuracy of one evaluation, where it has them: ``ICL .498``, ``IWL .031``.

    Args:
        records: lines of metrics.jsonl, of one moment.
        chance: say what guessing gives, too.
    """
    told = []
    for record in records:
        headline = HEADLINES.get(record["split"].removeprefix("eval_"))
        if headline and headline.short in ("ICL", "IWL"):
            guessing = f" (chance {_share(record['chance'])})" if chance else ""
            told.append(f"{headline.short} {_share(record[headline.metric])}{guessing}")
    return told


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
    return f" [{low:.3g}, {high:.3g}]" if low is not None and high is not None else ""
