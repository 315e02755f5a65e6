"""How the answers of an evaluation are judged: what counts as one, what is right, and what guessing gives."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from icl_train._evaluations.value import Evaluation
from icl_train.config import SequenceKind
from icl_train.metrics import LabelGroups, query_metrics, wilson_interval

__all__ = ["Scoring", "exchanged", "means"]


@dataclass(frozen=True, eq=False)
class Scoring:
    """How the answers of an evaluation are judged. Make it with :meth:`of`.

    Attributes:
        evaluation: what is asked.
        groups: which labels are common, rare and few-shot, for its number of ways.
    """

    evaluation: Evaluation
    groups: LabelGroups

    @classmethod
    def of(cls, evaluation: Evaluation, kind: SequenceKind, groups: LabelGroups) -> Scoring:
        """How an evaluation is judged.

        Args:
            evaluation: what is asked.
            kind: its sequences.
            groups: of the run.
        """
        return cls(evaluation, replace(groups, ways=getattr(kind, "ways", groups.ways)))

    @property
    def headline_metric(self) -> str:
        """The accuracy that it is measured by."""
        return self.evaluation.headline_metric(polysemy=self.groups.multiplicity > 1)

    def changed(self, labels: Tensor) -> Tensor:
        """What the evaluation makes of the labels that its contexts have, (N, L)."""
        if self.evaluation.exchanged:
            return exchanged(labels)
        if self.evaluation.shift:
            every = self.groups.closed("random_zipfian")
            places = torch.searchsorted(every, labels) + self.evaluation.shift
            return every[places % len(every)]
        return labels

    def options(self, labels: Tensor) -> Tensor:
        """What ``accuracy_closed`` chooses from: (W,), or (N, W) where each sequence has its own; ascending."""
        answers = self.evaluation.closed_answers
        if answers == "context":
            return labels[:, :-1].sort(1).values
        return self.groups.fewshot if answers == "ways" else self.groups.closed(f"random_{self.evaluation.class_type}")

    def outcomes(self, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Per-sequence outcomes, see `query_metrics`.

        Args:
            logits: (N, C) at the query.
            labels: (N, L).
        """
        return query_metrics(
            logits,
            labels,
            sequence_type=self.evaluation.sequence_type,
            groups=self.groups,
            options=self.options(labels),
        )

    def chance(self, labels: Tensor) -> float:
        """Accuracy of guessing among the answers that count; where any label of the class is right, among classes.

        Args:
            labels: (N, L).
        """
        groups, kind = self.groups, self.evaluation.sequence_type
        if self.headline_metric == "accuracy_query":
            answers = len(groups.rare) if groups.shared else len(groups.rare) + len(groups.common)
            return (groups.multiplicity if kind in ("no_support_rare", "no_support_zipfian") else 1) / answers
        options = self.options(labels)
        if options.ndim == 1:
            return (groups.multiplicity if self.headline_metric == "accuracy_class" else 1) / len(options)
        counts = 1 + (options[:, 1:] != options[:, :-1]).sum(1)
        sizes, times = torch.unique(counts, return_counts=True)
        if len(sizes) == 1:
            return 1 / int(sizes)
        return float((times.double() / sizes).sum() / len(labels))


def exchanged(labels: Tensor) -> Tensor:
    """Each label becomes the next larger one of its sequence, the largest the smallest: with two, they are swapped.

    Args:
        labels: (N, L).
    """
    others = labels[:, None].expand(-1, labels.shape[1], -1)  # (N, L, L)
    largest = torch.iinfo(labels.dtype).max
    larger = others.masked_fill(others <= labels[:, :, None], largest).amin(2)
    return torch.where(larger == largest, labels.amin(1, keepdim=True), larger)


def means(outcomes: dict[str, Tensor]) -> dict[str, float]:
    """Means, and of accuracies their 95% Wilson bounds.

    Args:
        outcomes: name → (N,) float32.
    """
    metrics: dict[str, float] = {}
    for name, values in outcomes.items():
        metrics[name] = float(values.mean())
        if name.startswith("accuracy"):
            interval = wilson_interval(float(values.sum()), len(values))
            metrics |= {f"{name}_low": interval.low, f"{name}_high": interval.high}
    return metrics
