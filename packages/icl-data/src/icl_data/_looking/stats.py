"""What sequences are really like: measured statistics beside those that were asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from icl_data._looking.law_fit import LawFit, fit_law
from icl_data._looking.tally import Tally
from icl_data._sampling.query_law import query_law
from icl_data._sequences.batch import SequenceBatch
from icl_data._sequences.kinds import Bursty, SequenceKind
from icl_data._sequences.split import ClassSplit
from icl_data._sources.counts import check_at_least

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class SequenceStatistics:
    """Statistics of sequences of L positions, of which the last is the query and the others are its context.

    Attributes:
        n_sequences: sequences measured.
        seq_len: L.
        shots: appearances that make a sequence bursty.
        query_support: (L,) sequences in whose context the query's class appears 0..L-1 times.
        largest_multiplicity: (L,) sequences whose most frequent context class appears 0..L-1 times.
        distinct_classes: (L,) sequences with 0..L-1 different classes in the context.
        query_fit: the classes of the queries against `query_law`; there is one query a sequence, so that the counts
            are of independent draws. New classes count as one, at position n_classes.
        labels, label_counts: (K,) labels of the queries that occurred, ascending, and how often.
        labels_per_class: different labels of a class over all positions and sequences, mean over the classes that
            occurred; 0 if all were new.
        most_labels_per_class: the same, maximum over those classes.
        label_noise: share of the context positions of the query's class whose label is not the query's; None without
            such positions. Noise never changes the query's label, so this estimates `label_noise`.
        query_shares, context_shares: shares of "rare", "common" and "holdout" classes, of the split, among queries and
            among context positions; also of "new" ones, where the kind has them.
    """

    n_sequences: int
    seq_len: int
    shots: int
    query_support: Ints
    largest_multiplicity: Ints
    distinct_classes: Ints
    query_fit: LawFit
    labels: Ints = field(repr=False)
    label_counts: Ints = field(repr=False)
    labels_per_class: float
    most_labels_per_class: int
    label_noise: float | None
    query_shares: dict[str, float]
    context_shares: dict[str, float]

    @property
    def burstiness(self) -> float:
        """Share of sequences in whose context the query's class appears at least `shots` times (Chan et al. 2022)."""
        return float(self.query_support[self.shots :].sum() / self.n_sequences)

    @property
    def support_share(self) -> float:
        """Share of sequences in whose context the query's class appears at all."""
        return float(self.query_support[1:].sum() / self.n_sequences)

    @property
    def mean_distinct_classes(self) -> float:
        """Mean number of different classes in a context."""
        return float(np.arange(self.seq_len) @ self.distinct_classes / self.n_sequences)

    @property
    def label_entropy(self) -> float:
        """Entropy of the measured frequencies of the queries' labels, in bits."""
        shares = self.label_counts / self.n_sequences
        return abs(float(shares @ np.log2(shares)))

    @property
    def max_label_entropy(self) -> float:
        """Entropy if those labels were equally frequent, in bits: the binary logarithm of their number."""
        return float(np.log2(len(self.labels)))

    def to_dict(self) -> dict[str, Any]:
        """All of the above by name as plain numbers, lists and None, as the package's README lists them."""
        fit = self.query_fit
        return {
            "n_sequences": self.n_sequences,
            "seq_len": self.seq_len,
            "shots": self.shots,
            "burstiness": self.burstiness,
            "support_share": self.support_share,
            "query_support": self.query_support.tolist(),
            "largest_multiplicity": self.largest_multiplicity.tolist(),
            "distinct_classes": self.distinct_classes.tolist(),
            "mean_distinct_classes": self.mean_distinct_classes,
            "query_shares": self.query_shares,
            "context_shares": self.context_shares,
            "label_noise": self.label_noise,
            "labels_per_class": self.labels_per_class,
            "most_labels_per_class": self.most_labels_per_class,
            "label_entropy": self.label_entropy,
            "max_label_entropy": self.max_label_entropy,
            "labels": self.labels.tolist(),
            "label_counts": self.label_counts.tolist(),
            "query_fit": {
                "classes": fit.classes.tolist(),
                "expected": fit.expected.tolist(),
                "measured": fit.measured.tolist(),
                "n_outside": fit.n_outside,
                "total_variation": fit.total_variation,
                "sampling_variation": fit.sampling_variation,
                "chi_square": fit.chi_square,
                "degrees": fit.degrees,
                "p_value": fit.p_value,
            },
        }


def sequence_statistics(
    batches: SequenceBatch | Iterable[SequenceBatch],
    split: ClassSplit,
    kind: SequenceKind,
    *,
    protocol: Literal["paper", "released"] = "paper",
    shots: int | None = None,
    n_labels: int | None = None,
) -> SequenceStatistics:
    """Measure sequences, and compare the frequencies of their queries' classes with those that were asked for.

    Args:
        batches: one batch, or some; an iterator of batches is gone through once, holding one at a time.
        split: class split that they should have been drawn from.
        kind: kind of sequence that they should be.
        protocol: protocol that they should have been drawn by; "released" for those of `SeqGenerator`.
        shots: appearances of the query's class that make a sequence bursty; None for the kind's shots, or for 3 (as in
            `Bursty`) if it has none.
        n_labels: labels that classes shared, which the law of distinct labels depends on (see `query_law`).

    Raises:
        ValueError: no sequences, sequences of several lengths, classes that the split does not have, an unknown
            protocol, shots below 1, or a split that is too small for the kind.
    """
    shots = getattr(kind, "shots", Bursty.shots) if shots is None else shots
    check_at_least(1, shots=shots)
    law, has_new = query_law(kind, split, protocol=protocol, n_labels=n_labels), getattr(kind, "p_new", 0) > 0
    if has_new:
        law = np.append(law, 1 - law.sum())
    tally: Tally | None = None
    for batch in (batches,) if isinstance(batches, SequenceBatch) else batches:
        if tally is None:
            tally = Tally(split, batch.class_index.shape[1], has_new=has_new)
        tally.add(batch)
    n = 0 if tally is None else int(tally.support.sum())
    if tally is None or n == 0:
        raise ValueError("there must be at least one sequence to measure, got none")
    labels, per_class = np.flatnonzero(tally.query_labels), tally.labels_per_class()
    return SequenceStatistics(
        n_sequences=n,
        seq_len=tally.seq_len,
        shots=shots,
        query_support=tally.support,
        largest_multiplicity=tally.largest,
        distinct_classes=tally.distinct,
        query_fit=fit_law(tally.query_classes, law),
        labels=labels,
        label_counts=tally.query_labels[labels],
        labels_per_class=float(per_class.mean()) if len(per_class) else 0.0,
        most_labels_per_class=int(per_class.max(initial=0)),
        label_noise=1 - tally.same_label / tally.same_class if tally.same_class else None,
        query_shares=tally.shares(tally.query_classes),
        context_shares=tally.shares(tally.context_classes),
    )
