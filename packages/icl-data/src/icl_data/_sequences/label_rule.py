"""From the classes of one type to their labels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from icl_data._sequences.labeling import parse_labeling
from icl_data._sequences.split import ClassSplit

NEW = "new"
"""Type of the classes that are made for one batch."""


class LabelRule:
    """Labels of the classes of one type under one labeling.

    Args:
        split: class split.
        class_type: type whose classes are labelled, or NEW.
        labeling: name of the labeling.
        n_labels: labels shared by classes, replacing plain "ordered" ones, or None.
        n_new: how many classes of type NEW there are.

    Attributes:
        rule: "original", "ordered", "unfixed", "novel" or "heldout".
        polysemy: labels per class.
        table: (n,) label of each class of the type, the first of its labels under polysemy; None where labels do not
            depend on the class ("unfixed", "novel", "heldout").
        n_novel: size of the range from which "novel" and "heldout" labels are drawn: those that training uses.

    Raises:
        ValueError: n_labels with a labeling that already says which labels, or labels that are no 32-bit integers >= 0.
    """

    def __init__(
        self, split: ClassSplit, class_type: str, labeling: str, n_labels: int | None = None, n_new: int = 0
    ) -> None:
        parsed = parse_labeling(labeling)
        self.rule = parsed.rule
        self.polysemy = parsed.polysemy or 1
        self.n_novel = n_labels or split.n_rare + split.n_common
        self.table = None
        if parsed.rule in ("unfixed", "novel", "heldout"):
            _check_range(labeling, 0, self.n_novel - 1)
            return
        if n_labels is not None and labeling != "ordered":
            raise ValueError(f"n_labels can replace the labels of labeling 'ordered' only, got {labeling!r}")
        if class_type == NEW:
            assert n_labels is not None
            self.table = np.arange(n_new) % n_labels
            return
        classes = split.classes(class_type)
        if parsed.rule == "original":
            self.table = split.keys[classes]
            if len(classes):
                _check_range(labeling, int(self.table.min()), int(self.table.max()))
            return
        offset = split.first_label(class_type, self.polysemy) if parsed.offset is None else parsed.offset
        _check_range(labeling, 0, offset + len(classes) * self.polysemy - 1)
        table = np.arange(len(classes), dtype=np.int64) * self.polysemy + offset
        self.table = table if n_labels is None else table % n_labels

    def labels(self, ways: int) -> npt.NDArray[np.int64]:
        """All labels that can be drawn, ascending, where `ways` classes are labelled "unfixed"."""
        if self.table is None:
            return np.arange(ways if self.rule == "unfixed" else self.n_novel)
        return np.unique(self.table[:, None] + np.arange(self.polysemy))


def _check_range(labeling: str, smallest: int, largest: int) -> None:
    if smallest < 0 or largest > np.iinfo(np.int32).max:
        raise ValueError(
            f"labels must be integers from 0 to 2**31 - 1, got {smallest} to {largest} under labeling {labeling!r}"
        )
