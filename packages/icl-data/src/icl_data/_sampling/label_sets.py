"""Sets of labels drawn for each sequence, some of which are kept for a test."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icl_data._sampling.categorical import Categorical, Ints
from icl_data._sequences.orders import ranks


@dataclass(frozen=True, kw_only=True)
class LabelSets:
    """Sets of `ways` labels out of 0..n_labels-1; the first `n_held_out` runs of `ways` labels are held out.

    Raises:
        ValueError: sets that do not fit into the labels, or held-out ones that leave no other.
    """

    n_labels: int
    ways: int
    n_held_out: int

    def __post_init__(self) -> None:
        n, ways, held_out = self.n_labels, self.ways, self.n_held_out
        if n < ways:
            raise ValueError(f"{ways} novel labels must fit into the label range, got {n} labels")
        if held_out and (held_out * ways > n or held_out >= math.comb(n, ways)):
            raise ValueError(
                f"heldout_label_sets must be sets of {ways} labels that fit into the {n} labels and leave another set, "
                f"got {held_out}"
            )

    def labels(self, *, held_out: bool) -> Ints:
        """All labels of the held-out sets, or of the others, ascending."""
        if held_out:
            return np.arange(self.n_held_out * self.ways)
        # Two labels or more, one of them exchanged for one of another set, are no held-out set.
        return np.arange(self.n_held_out if self.ways == 1 else 0, self.n_labels)

    def draw(self, rng: np.random.Generator, m: int, *, held_out: bool) -> Ints:
        """(ways, m) labels: one held-out set a column, or any other set, in random order."""
        if held_out:
            return rng.integers(self.n_held_out, size=m) * self.ways + ranks(rng.random((self.ways, m)))
        if self.ways == 1:
            return rng.integers(self.n_held_out, self.n_labels, size=(1, m))
        labels = Categorical(np.full(self.n_labels, 1 / self.n_labels))
        drawn = labels.draw_distinct(rng, self.ways, m)
        rest = np.flatnonzero(self._is_held_out(drawn))
        while len(rest):
            drawn[:, rest] = labels.draw_distinct(rng, self.ways, len(rest))
            rest = rest[self._is_held_out(drawn[:, rest])]
        return drawn

    def _is_held_out(self, labels: Ints) -> npt.NDArray[np.bool_]:
        """(m,) marks of the columns (ways, m) that are held-out sets."""
        number = labels // self.ways
        found: npt.NDArray[np.bool_] = (number == number[:1]).all(axis=0) & (number[0] < self.n_held_out)
        return found
