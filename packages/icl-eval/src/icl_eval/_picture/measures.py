"""What can be drawn of runs: evaluations and records of training, by short names, splits, or split and metric."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from icl_data.foundation.command_line import listed, nearest
from icl_train import HEADLINES, headline_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SHORT_NAMES", "Measure", "find_measure", "measure_of", "measure_recorded_as"]

SHORT_NAMES = {"icl": "fewshot_holdout", "iwl": "no_support_zipfian"}
"""Short name → split."""

_OF_TRAINING = {
    "loss": "training loss",
    "loss_query": "training loss, query",
    "loss_interim": "training loss, context",
    "accuracy_query": "training accuracy over all labels",
    "learning_rate": "learning rate",
    "grad_l2": "L2 norm of the gradient",
    "weight_l2": "L2 norm of the weights (no biases, norms, embeddings)",
    "weight_l2_all": "L2 norm of all parameters",
    "sequences_per_second": "sequences a second",
}

_OF_TRAINING_SHORT = {"loss": "training loss", "accuracy_query": "training accuracy"}

_OF_EVALUATIONS = {"flipped/accuracy_both": "right with labels as they are and exchanged"}
_OF_EVALUATIONS_SHORT = {"flipped/accuracy_both": "ICL both ways right"}

_IN_WEIGHTS = {"no_support_common": "IWL common", "no_support_rare": "IWL rare"}


@dataclass(frozen=True)
class Measure:
    """One thing that is recorded of runs.

    Attributes:
        split: ``train``, or of an evaluation.
        metric: its name in metrics.jsonl; empty for the accuracy that the split is measured by.
    """

    split: str
    metric: str = ""

    @property
    def name(self) -> str:
        """``fewshot_holdout``, ``flipped/accuracy_both``, ``train/loss``."""
        return f"{self.split}/{self.metric}" if self.metric else self.split

    @property
    def label(self) -> str:
        """What it is called on axes."""
        if self.split == "train":
            return _OF_TRAINING.get(self.metric, f"training {self.metric}")
        if self.metric == "accuracy_query" and self.split in _IN_WEIGHTS:
            return f"{_IN_WEIGHTS[self.split]} accuracy over all labels"
        if self.metric:
            return _OF_EVALUATIONS.get(self.name, f"{self.split}, {self.metric}")
        return headline_of(self.split).label

    @property
    def short(self) -> str:
        """What it is called in titles."""
        if self.metric == "accuracy_query" and self.split in _IN_WEIGHTS:
            return _IN_WEIGHTS[self.split]
        if self.split == "train":
            return _OF_TRAINING_SHORT.get(self.metric, self.metric)
        if self.metric:
            return _OF_EVALUATIONS_SHORT.get(self.name, f"{self.split} {self.metric}")
        return HEADLINES[self.split].short if self.split in HEADLINES else self.split

    def chance(self, settings: Mapping[str, Any]) -> float:
        """What guessing gives, where records do not say it, as they do of headlines: IWL over all labels; NaN else.

        Args:
            settings: of a run, and what follows from them.
        """
        if self.metric != "accuracy_query" or self.split not in _IN_WEIGHTS:
            return math.nan
        labels = int(settings["labels_per_class"])
        right = labels if self.split == "no_support_rare" else 1  # any label of the class, as released
        answers = int(settings.get("data.n_labels") or settings["classes"] * labels)
        return right / answers

    @property
    def is_share(self) -> bool:
        """Whether it lies between 0 and 1."""
        return not self.metric or self.metric.startswith(("accuracy", "from_"))


def measure_of(name: str) -> Measure:
    """A measure by its full name, as figures give it: ``fewshot_holdout``, ``train/weight_l2``."""
    split, _, metric = name.partition("/")
    return Measure(split, metric)


def measure_recorded_as(name: str) -> Measure:
    """A measure by its name in metrics.jsonl: ``eval_fewshot_holdout/accuracy_closed``, ``train/loss``."""
    split, _, metric = name.rpartition("/")  # an evaluation's own name may have a slash
    if not split.startswith("eval_"):
        return Measure(split, metric)
    split = split.removeprefix("eval_")
    return Measure(split, "" if metric == headline_of(split).metric else metric)


def find_measure(option: str, name: str, table: pd.DataFrame) -> Measure:
    """The measure that somebody means.

    Args:
        option: what it was given to, for the error.
        name: a short name (icl, iwl, flipped, …), a split, ``split/metric``, or a metric of training (loss, weight_l2).
        table: tidy table of runs, which has to have it.

    Raises:
        ValueError: with the measures that there are.
    """
    there = _measures_by_name(table)
    plain = name.strip().replace("-", "_")
    plain = SHORT_NAMES.get(plain.lower(), plain).removeprefix("eval_")
    for choice in (plain, f"train/{plain}"):
        if choice in there:
            return there[choice]
    short = [next((key for key, split in SHORT_NAMES.items() if split == one), one) for one in there]
    names = [one.removeprefix("train/") for one in short if "/" not in one or one.startswith("train/")]
    near = nearest(name, [*names, *there])
    raise ValueError(f"{option} must be among {listed(names)}, or split/metric, got {name!r}{near}")


def _measures_by_name(table: pd.DataFrame) -> dict[str, Measure]:
    """All measures of a table: headline accuracies first, then all others."""
    evaluated = table[table["split"] != "train"]
    headlines = [Measure(split) for split in dict.fromkeys(evaluated.loc[evaluated["headline"].astype(bool), "split"])]
    pairs = table[["split", "metric"]].drop_duplicates().itertuples(index=False)
    return {measure.name: measure for measure in [*headlines, *(Measure(*pair) for pair in pairs)]}
