"""How sequences of one kind are put together out of parts, many rows at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from icl_data._exemplar_draws import draw_exemplars
from icl_data._parts import Ints, Part
from icl_data._split import ClassSplit

Shuffle = Literal["none", "context", "all"]


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

    def draw(self, rng: np.random.Generator, rows: int) -> npt.NDArray[np.int32]:
        """(rows, L, 4) class, exemplar, label and rare mark."""
        drawn = [part.draw(rng, rows) for part in self.parts]
        starts = np.cumsum([0, *(part.length for part in self.parts)])[:-1]
        classes = np.concatenate(
            [self.split.classes(part.class_type)[found.chosen] for part, found in zip(self.parts, drawn, strict=True)],
            axis=1,
        )
        part_number = np.repeat(np.arange(len(self.parts)), [part.length for part in self.parts])
        table = np.empty((rows, self.length, 4), dtype=np.int32)
        table[..., 0] = classes
        groups = classes if self.by_sequence else classes + self.split.n_classes * part_number
        table[..., 1] = draw_exemplars(rng, groups, self.n_exemplars)
        table[..., 2] = np.concatenate([found.label for found in drawn], axis=1)
        table[..., 3] = np.array([part.class_type == "rare" for part in self.parts])[part_number]
        polysemy = np.array([part.rule.polysemy for part in self.parts])[part_number]
        if (polysemy > 1).any():
            released = [found.owner + start for found, start in zip(drawn, starts, strict=True)]
            owner = _first_of_class(classes) if self.by_sequence else np.concatenate(released, axis=1)
            share = np.take_along_axis(rng.random(classes.shape), owner, axis=1)
            table[..., 2] += (share * polysemy).astype(np.int32)
        return self._shuffled(rng, table)

    def _shuffled(self, rng: np.random.Generator, table: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        if self.shuffle == "none":
            return table
        rows, length = table.shape[:2]
        n = length if self.shuffle == "all" else length - 1
        keys = rng.random((rows, n))
        if self.group is not None:
            keys += np.arange(n) // self.group  # sorting then never crosses from one group to the next
        order = np.argsort(keys, axis=1)
        table[:, :n] = table[np.arange(rows)[:, None], order]
        return table


@dataclass(frozen=True, eq=False)
class Mixture:
    """Recipes with the shares of sequences that follow them."""

    recipes: tuple[Recipe, ...]
    shares: tuple[float, ...]

    @property
    def num_labels(self) -> int:
        """One more than the largest label."""
        return max(recipe.num_labels for recipe in self.recipes)

    def draw(self, rng: np.random.Generator, rows: int) -> npt.NDArray[np.int32]:
        """(rows, L, 4), see `Recipe.draw`."""
        if len(self.recipes) == 1:
            return self.recipes[0].draw(rng, rows)
        which = np.searchsorted(np.cumsum(self.shares)[:-1], rng.random(rows), side="right")
        table = np.empty((rows, self.recipes[0].length, 4), dtype=np.int32)
        for number, recipe in enumerate(self.recipes):
            chosen = np.flatnonzero(which == number)
            if len(chosen):
                table[chosen] = recipe.draw(rng, len(chosen))
        return table


def _first_of_class(classes: Ints) -> Ints:
    return np.asarray((classes[:, :, None] == classes[:, None, :]).argmax(axis=2), dtype=np.int64)
