"""Classes drawn so that no two of a sequence share a label."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from icl_data._sampling.categorical import Categorical, Ints


class ClassesByLabel:
    """Draws distinct labels, all alike, and a class of each, all of the label's alike.

    Args:
        labels: (n,) label of each class.

    Attributes:
        n_labels: different labels.
        law: (n,) probability of each class to be the one of a given draw.
    """

    def __init__(self, labels: Ints) -> None:
        _, which, self._counts = np.unique(labels, return_inverse=True, return_counts=True)
        self._order = which.argsort(kind="stable")
        self._starts = np.cumsum(self._counts) - self._counts
        self.n_labels = len(self._counts)
        self.law: npt.NDArray[np.float64] = 1 / (self.n_labels * self._counts[which])

    def draw(self, rng: np.random.Generator, ways: int, m: int) -> Ints:
        """(ways, m) classes, of distinct labels in each column."""
        every_label = Categorical(np.full(self.n_labels, 1 / self.n_labels))
        label = every_label.draw_distinct(rng, ways, m)
        return np.asarray(self._order[self._starts[label] + rng.integers(self._counts[label])])
