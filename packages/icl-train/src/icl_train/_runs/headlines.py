"""What can be measured of a run, and the accuracy that each split is measured by."""

from __future__ import annotations

from dataclasses import dataclass

from icl_train.config import SEQUENCE_TYPES

__all__ = ["EVAL_SPLITS", "HEADLINES", "TRAINING_SPLITS", "Headline", "headline_of", "sequence_type_of"]

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
