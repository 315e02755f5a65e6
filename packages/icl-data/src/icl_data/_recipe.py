"""How sequences of one kind are put together out of parts, many at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from icl_data._exemplar_draws import draw_exemplars
from icl_data._orders import ranks
from icl_data._parts import Ints, Part
from icl_data._split import ClassSplit

Shuffle = Literal["none", "context", "all"]
CLASS, EXEMPLAR, LABEL, IS_RARE = range(4)
Table = npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Recipe:
    """One way to make sequences: draw parts, join them, choose labels and exemplars, shuffle.

    Args:
        split: class split.
        parts: parts from left to right.
        shuffle: "context" all positions but the query, "all" of them, or "none".
        group: shuffle the context within consecutive groups of that many positions; None for all of it at once.
        n_exemplars: exemplars per class.
        by_sequence: a class keeps one label and never repeats an exemplar across the whole sequence (paper); else
            each part draws by itself, and its random positions choose among a class's labels one by one (released).
    """

    split: ClassSplit
    parts: tuple[Part, ...]
    shuffle: Shuffle
    group: int | None
    n_exemplars: int
    by_sequence: bool

    @property
    def length(self) -> int:
        """Positions of a sequence."""
        return sum(part.length for part in self.parts)

    @property
    def num_labels(self) -> int:
        """One more than the largest label."""
        return max(part.num_labels for part in self.parts)

    def fill(self, rng: np.random.Generator, table: Table, rows: Ints) -> None:
        """Draw sequences into some rows of (4, B, L) class, exemplar, label and rare mark, so far all zero."""
        drawn = [part.draw(rng, len(rows)) for part in self.parts]
        lengths = [part.length for part in self.parts]
        classes = np.concatenate(
            [self.split.classes(part.class_type)[found.chosen] for part, found in zip(self.parts, drawn, strict=True)]
        )
        labels = np.concatenate([found.label for found in drawn])
        polysemy = np.repeat([part.rule.polysemy for part in self.parts], lengths)[:, None]
        if (polysemy > 1).any():
            starts = np.cumsum([0, *lengths])[:-1]
            released = [found.owner + start for found, start in zip(drawn, starts, strict=True)]
            owner = _first_of_class(classes) if self.by_sequence else np.concatenate(released)
            share = np.take_along_axis(rng.random(classes.shape), owner, axis=0)
            labels += (share * polysemy).astype(np.int64)
        # Places in the flattened table, so that columns of positions become shuffled rows in one step.
        places = rows * self.length + self._order(rng, len(rows))
        flat = table.reshape(4, -1)
        flat[CLASS, places] = classes
        flat[LABEL, places] = labels
        if self.n_exemplars > 1:
            part_number = np.repeat(np.arange(len(self.parts)), lengths)[:, None]
            groups = classes if self.by_sequence else classes + self.split.n_classes * part_number
            flat[EXEMPLAR, places] = draw_exemplars(rng, groups, self.n_exemplars)
        is_rare = np.repeat([part.class_type == "rare" for part in self.parts], lengths)
        if is_rare.any():
            flat[IS_RARE, places[is_rare]] = 1

    def _order(self, rng: np.random.Generator, m: int) -> Ints:
        """(L, m) where each position goes."""
        n = {"none": 0, "context": self.length - 1, "all": self.length}[self.shuffle]
        order = np.tile(np.arange(self.length)[:, None], m)
        if n:
            keys = rng.random((n, m))
            if self.group is not None:
                keys += (np.arange(n) // self.group)[:, None]  # the order then never crosses from one group to the next
            order[:n] = ranks(keys)
        return order


@dataclass(frozen=True, eq=False)
class Mixture:
    """Recipes with the shares of sequences that follow them."""

    recipes: tuple[Recipe, ...]
    shares: tuple[float, ...]

    @property
    def num_labels(self) -> int:
        """One more than the largest label."""
        return max(recipe.num_labels for recipe in self.recipes)

    def draw(self, rng: np.random.Generator, rows: int) -> Table:
        """(4, rows, L) class, exemplar, label and rare mark."""
        table = np.zeros((4, rows, self.recipes[0].length), dtype=np.int32)
        if len(self.recipes) == 1:
            self.recipes[0].fill(rng, table, np.arange(rows))
            return table
        which = np.searchsorted(np.cumsum(self.shares)[:-1], rng.random(rows), side="right")
        for number, recipe in enumerate(self.recipes):
            recipe.fill(rng, table, np.flatnonzero(which == number))
        return table


def _first_of_class(classes: Ints) -> Ints:
    """(L, m) uppermost position of the same class."""
    first = np.tile(np.arange(len(classes))[:, None], classes.shape[1])
    for position in range(len(classes) - 2, -1, -1):
        np.copyto(first[position + 1 :], position, where=classes[position + 1 :] == classes[position])
    return first
