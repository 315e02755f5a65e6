"""Loss and accuracies of a batch of sequences: in-context and in-weights learning, never mixed up.

All values are means over sequences at the **query** (the last position) unless they are named ``interim``.

- ICL, in-context learning: ``accuracy_closed`` on few-shot sequences of holdout classes; chance 1/ways.
- IWL, in-weights learning: ``accuracy_query`` on no-support sequences; chance 1/(number of labels).

Where classes have several labels (polysemy), a no-support context does not say which one is meant. As released,
``accuracy_query`` and ``accuracy_interim`` then take any label of the class on ``no_support_rare`` and
``no_support_zipfian`` sequences, and the exact one on ``no_support_common``, whose released classes have one label
each; ``accuracy_closed`` takes the exact one on all three. ``accuracy_class`` is ours: the best of the valid labels is
any label of the class, on all three; chance 1/(number of classes).

Chan et al. 2022 (arXiv 2205.05055), section 2.3, figures 2 to 6; the other scalars are those the released code logs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    "Interval",
    "LabelGroups",
    "best_option",
    "query_metrics",
    "sequence_loss",
    "sequence_metrics",
    "wilson_interval",
]


class Interval(NamedTuple):
    """A two-sided confidence interval of a proportion."""

    low: float
    high: float


def wilson_interval(correct: float, n: int, z: float = 1.959963984540054) -> Interval:
    """Wilson score interval (95% by default) of ``correct`` successes in ``n`` trials.

    Args:
        correct: number of successes.
        n: number of trials.
        z: quantile of the normal distribution at the interval's end.

    Raises:
        ValueError: if ``n`` is not positive or ``correct`` is not in [0, n].
    """
    if n <= 0 or not 0 <= correct <= n:
        raise ValueError(f"wilson_interval needs 0 <= correct <= n and n >= 1, got correct={correct}, n={n}")
    p = correct / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At 0 and n successes the bound is exactly 0 or 1; the float sum can land a rounding error beyond the proportion.
    return Interval(0.0 if correct == 0 else centre - half, 1.0 if correct == n else centre + half)


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelGroups:
    """Which labels are common, rare and few-shot, for one labeling of the classes.

    Attributes:
        rare: (n,) int64 labels of the rare classes.
        common: (m,) int64 labels of the common classes.
        ways: few-shot labels are 0..ways-1.
        multiplicity: labels per class (polysemy); label ``l`` then names class ``l // multiplicity``.
        shared: rare and common classes share their labels (``n_labels``), so which group a label is from means nothing.
    """

    rare: Tensor
    common: Tensor
    ways: int
    multiplicity: int = 1
    shared: bool = False

    @classmethod
    def ordered(cls, *, n_rare: int, n_common: int, ways: int, multiplicity: int = 1) -> LabelGroups:
        """Groups of the ``ordered`` labeling: rare classes first, common ones after them.

        Args:
            n_rare, n_common: classes of each type.
            ways: classes of a few-shot context.
            multiplicity: labels per class X (polysemy).
        """
        start, stop = n_rare * multiplicity, (n_rare + n_common) * multiplicity
        return cls(rare=torch.arange(start), common=torch.arange(start, stop), ways=ways, multiplicity=multiplicity)

    @classmethod
    def shared_labels(cls, *, n_labels: int, ways: int) -> LabelGroups:
        """Groups when all classes share ``n_labels`` labels (Reddy 2023, arXiv 2312.03002).

        Args:
            n_labels: labels in all.
            ways: classes of a few-shot context.
        """
        return cls(rare=torch.arange(n_labels), common=torch.arange(n_labels), ways=ways, shared=True)

    def to(self, device: torch.device) -> LabelGroups:
        """The same groups with their labels on ``device``."""
        return replace(self, rare=self.rare.to(device), common=self.common.to(device))

    @property
    def fewshot(self) -> Tensor:
        """The few-shot labels 0..ways-1, (ways,) int64."""
        return torch.arange(self.ways, device=self.rare.device)

    def closed(self, sequence_type: str) -> Tensor:
        """Labels that count as valid answers for ``accuracy_closed`` on this type of sequence, ascending.

        Args:
            sequence_type: name of an evaluation split, such as ``fewshot_holdout``.

        Raises:
            ValueError: for an unknown type of sequence.
        """
        if sequence_type in ("bursty", "mixed") or sequence_type.startswith("fewshot_"):
            return self.fewshot
        if sequence_type in ("no_support_common", "random_common"):
            return self.common
        if sequence_type in ("no_support_rare", "random_rare"):
            return self.rare
        if sequence_type in ("no_support_zipfian", "random_zipfian"):
            both: Tensor = torch.unique(torch.cat([self.rare, self.common]))
            return both
        known = "bursty, mixed, fewshot_<class type>, {no_support,random}_{common,rare,zipfian}"
        raise ValueError(f"sequence type must be one of {known}, got {sequence_type!r}")


def sequence_loss(logits: Tensor, labels: Tensor, *, w_interim: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
    """Weighted cross-entropy over the example positions.

    Args:
        logits: (B, S, C) at the S example positions, the query last; (B, 1, C) of the query if ``w_interim`` is 0.
        labels: (B, S) class labels, dtype int64.
        w_interim: weight of the context examples together; the query weighs 1 - w_interim.

    Returns:
        (loss, loss_query, loss_interim), scalars in nats. The parts carry their weights; as released, loss_interim is
        the mean over the context examples, so loss = loss_query + (S - 1) * loss_interim.

    Raises:
        ValueError: if ``w_interim`` is not in [0, 1], or positive without context positions.
    """
    if not 0.0 <= w_interim <= 1.0:
        raise ValueError(f"w_interim must be in [0, 1], got {w_interim}")
    if w_interim == 0.0:
        query = F.cross_entropy(logits[:, -1], labels[:, -1])
        return query, query, query.new_zeros(())
    n_context = logits.shape[1] - 1
    if n_context < 1:
        raise ValueError(
            f"w_interim > 0 needs logits at the context positions, got w_interim={w_interim} and the query alone"
        )
    losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view_as(labels)
    # A number that is assigned to an element comes from the host, which a graph that is captured may not wait for.
    weights = torch.cat((losses.new_full((n_context,), w_interim / n_context), losses.new_full((1,), 1.0 - w_interim)))
    weighted = losses * (weights / (weights.sum() * len(losses)))
    interim = weighted[:, :-1].sum()
    query = weighted[:, -1].sum()
    return interim + query, query, interim / n_context


def best_option(logits: Tensor, options: Tensor) -> Tensor:
    """The best of the answers that may be given, of equally good ones the first.

    Args:
        logits: (B, C) at the query.
        options: (W,) the labels that may be answered, or (B, W) those of each sequence.

    Returns:
        (B,) labels.
    """
    if options.ndim == 1:
        return options[logits[:, options].argmax(1)]
    best = logits.gather(1, options).argmax(1, keepdim=True)
    return options.gather(1, best).squeeze(1)


def query_metrics(
    logits: Tensor, labels: Tensor, *, sequence_type: str, groups: LabelGroups, options: Tensor | None = None
) -> dict[str, Tensor]:
    """Per-sequence outcomes at the query, so that means over any number of batches are exact.

    Args:
        logits: (B, C) at the query.
        labels: (B, S) labels of the whole sequence, the query's last.
        sequence_type: ``bursty``, ``mixed``, ``fewshot_*``, ``no_support_*`` or ``random_*``; decides
            ``accuracy_closed``.
        groups: which labels are common, rare and few-shot.
        options: (W,) or (B, W) the labels that ``accuracy_closed`` chooses from; None for the type's.

    Returns:
        name → (B,) float32. ``from_common``, ``from_rare`` and their ``from_support_*`` are left out for shared labels;
        ``accuracy_class`` is there for ``no_support_*`` where classes have several labels.
    """
    prediction = logits.argmax(1)
    query, context = labels[:, -1], labels[:, :-1]
    closed = best_option(logits, groups.closed(sequence_type) if options is None else options)
    support = (prediction[:, None] == context).any(1)
    outcomes = {
        "accuracy_query": _correct(prediction, query, sequence_type, groups),
        "accuracy_closed": closed == query,
        "from_fewshot": torch.isin(prediction, groups.fewshot),
        "from_support": support,
    }
    if groups.multiplicity > 1 and sequence_type.startswith("no_support"):
        outcomes["accuracy_class"] = _same_class(closed, query, groups)
    if not groups.shared:
        outcomes["from_common"] = torch.isin(prediction, groups.common)
        outcomes["from_rare"] = torch.isin(prediction, groups.rare)
    for name in ("common", "rare", "fewshot"):
        if f"from_{name}" in outcomes:
            outcomes[f"from_support_{name}"] = support & outcomes[f"from_{name}"]
    return {name: value.float() for name, value in outcomes.items()}


def _correct(prediction: Tensor, label: Tensor, sequence_type: str, groups: LabelGroups) -> Tensor:
    """What counts in ``accuracy_query`` and ``accuracy_interim``, as released."""
    if sequence_type in ("no_support_rare", "no_support_zipfian"):
        return _same_class(prediction, label, groups)
    return prediction == label


def _same_class(prediction: Tensor, label: Tensor, groups: LabelGroups) -> Tensor:
    """Whether two labels are of one trained class; other labels must be equal."""
    exact = prediction == label
    if groups.multiplicity == 1:
        return exact
    trained = torch.cat([groups.rare, groups.common])
    in_range = torch.isin(prediction, trained) & torch.isin(label, trained)
    return exact | (in_range & (prediction // groups.multiplicity == label // groups.multiplicity))


def sequence_metrics(
    logits: Tensor, labels: Tensor, *, sequence_type: str, groups: LabelGroups, w_interim: float = 0.0
) -> dict[str, float]:
    """Every scalar of one batch, as the released code logs them, and no other.

    Args:
        logits: (B, S, C) at the example positions, the query last.
        labels: (B, S).
        sequence_type, groups: see :func:`query_metrics`.
        w_interim: see :func:`sequence_loss`.

    Returns:
        name → mean over the batch.
    """
    loss, loss_query, loss_interim = sequence_loss(logits, labels, w_interim=w_interim)
    values = {"loss": loss, "loss_query": loss_query, "loss_interim": loss_interim}
    interim = _correct(logits[:, :-1].argmax(-1), labels[:, :-1], sequence_type, groups)
    values["accuracy_interim"] = interim.float().mean() if w_interim > 0 else loss.new_zeros(())
    outcomes = query_metrics(logits[:, -1], labels, sequence_type=sequence_type, groups=groups)
    values |= {name: outcome.mean() for name, outcome in outcomes.items() if name != "accuracy_class"}
    return {name: float(value) for name, value in values.items()}
