"""Counts over sequences, added up batch by batch so that any number of them fits into memory."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from icl_data._sequences.batch import SequenceBatch
from icl_data._sequences.split import ClassSplit

Ints = npt.NDArray[np.int64]
TYPES = ("rare", "common", "holdout")


class Tally:
    """What `SequenceStatistics` is made of, over all batches added.

    Args:
        split: class split.
        seq_len: positions of a sequence, the query included.
        has_new: whether classes behind the split's, new in each batch, are to be counted, as one.

    Attributes:
        support, largest, distinct: (L,) sequences by appearances of the query's class in the context, by those of the
            most frequent class, and by number of different classes there.
        query_classes, context_classes: (n_classes,) appearances as query and in the context; with new classes
            (n_classes + 1,), all of these together in the last place.
        query_labels: (largest label + 1,) appearances as query's label.
        same_class, same_label: context positions of the query's class, and those of them with the query's label.
    """

    def __init__(self, split: ClassSplit, seq_len: int, *, has_new: bool = False) -> None:
        self.split, self.seq_len, self.has_new = split, seq_len, has_new
        self.support, self.largest, self.distinct = np.zeros((3, seq_len), dtype=np.int64)
        self.query_classes, self.context_classes = np.zeros((2, split.n_classes + has_new), dtype=np.int64)
        self.query_labels = np.zeros(0, dtype=np.int64)
        self.same_class = self.same_label = 0
        self._class_labels = np.zeros(0, dtype=np.int64)

    def add(self, batch: SequenceBatch) -> None:
        """Count a batch.

        Raises:
            ValueError: sequences of another length, or classes that the split does not have.
        """
        if batch.class_index.shape[1] != self.seq_len:
            raise ValueError(f"all batches must have sequences of {self.seq_len}, got {batch.class_index.shape[1]}")
        if not len(batch):
            return
        low, high = int(batch.class_index.min()), int(batch.class_index.max())
        if low < 0 or (high >= self.split.n_classes and not self.has_new):
            raise ValueError(f"class_index must be in 0..{self.split.n_classes - 1}, got {low}..{high}")
        if batch.label.min() < 0:
            raise ValueError(f"labels must be at least 0, got {batch.label.min()}")
        context, query = batch.class_index[:, :-1], batch.class_index[:, -1]
        same = context == query[:, None]
        agree = batch.label[:, :-1] == batch.label[:, -1:]
        self.support += np.bincount(same.sum(axis=1), minlength=self.seq_len)
        largest, distinct = _multiplicity(context)
        self.largest += np.bincount(largest, minlength=self.seq_len)
        self.distinct += np.bincount(distinct, minlength=self.seq_len)
        self.query_classes += self._by_class(query)
        self.context_classes += self._by_class(context.reshape(-1))
        self.query_labels = _longer(self.query_labels, np.bincount(batch.label[:, -1]))
        self.same_class += int(np.count_nonzero(same))
        self.same_label += int(np.count_nonzero(same & agree))
        pairs = batch.class_index.astype(np.int64) << 32 | batch.label
        if self.has_new:  # of two batches they are not the same classes
            pairs = pairs[batch.class_index < self.split.n_classes]
        self._class_labels = np.union1d(self._class_labels, pairs)

    def _by_class(self, classes: npt.NDArray[np.int32]) -> Ints:
        n_classes = len(self.query_classes)
        return np.bincount(np.minimum(classes, n_classes - 1), minlength=n_classes)

    def labels_per_class(self) -> Ints:
        """(number of classes that occurred,) how many different labels each had."""
        _, times = np.unique(self._class_labels >> 32, return_counts=True)
        return np.asarray(times, dtype=np.int64)

    def shares(self, counts: Ints) -> dict[str, float]:
        """Shares of the class types, and of new classes, in counts of appearances by class; without any, 0."""
        total = max(int(counts.sum()), 1)
        shares = {name: float(counts[self.split.classes(name)].sum() / total) for name in TYPES}
        return shares | ({"new": float(counts[-1] / total)} if self.has_new else {})


def _multiplicity(context: npt.NDArray[np.int32]) -> tuple[Ints, Ints]:
    """(B,) appearances of the most frequent class, and number of different classes."""
    n, length = context.shape
    if length == 0:
        return np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    ordered = np.sort(context, axis=1)
    repeated = np.ascontiguousarray((ordered[:, 1:] == ordered[:, :-1]).T)
    run = np.ones(n, dtype=np.int64)
    largest = run.copy()
    for again in repeated:
        run = np.where(again, run + 1, 1)
        np.maximum(largest, run, out=largest)
    return largest, length - repeated.sum(axis=0)


def _longer(first: Ints, second: Ints) -> Ints:
    """Sum of two counts, the shorter one filled up with zeros."""
    found = np.zeros(max(len(first), len(second)), dtype=np.int64)
    found[: len(first)] += first
    found[: len(second)] += second
    return found
