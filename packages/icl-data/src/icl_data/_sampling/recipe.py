"""How sequences of one kind are put together out of parts, many at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from icl_data._sampling.exemplar_draws import draw_exemplars
from icl_data._sampling.parts import FewshotPart, Ints, Part, PartDraw
from icl_data._sequences.orders import order_keys, ranks
from icl_data._sequences.split import ClassSplit

Shuffle = Literal["none", "context", "all"]
CLASS, EXEMPLAR, LABEL, IS_RARE = range(4)
Table = npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Recipe:
    """One way to make sequences: draw parts, join them, choose labels and exemplars, shuffle.

    Args:
        split: class split.
        parts: parts from left to right; a few-shot part comes last.
        shuffle: "context" all positions but the query, "all" of them, or "none".
        context_order: what a shuffle of the context around a few-shot part leaves of its structure.
        copies_query: the query shows an exemplar of the context, of its own burst.
        n_exemplars: exemplars per class.
        by_sequence: a class keeps one label and never repeats an exemplar across the whole sequence (paper); else
            each part draws by itself, and its random positions choose among a class's labels one by one (released).
    """

    split: ClassSplit
    parts: tuple[Part, ...]
    shuffle: Shuffle
    context_order: str
    copies_query: bool
    n_exemplars: int
    by_sequence: bool

    @property
    def length(self) -> int:
        """Positions of a sequence."""
        return sum(part.length for part in self.parts)

    @property
    def labels(self) -> Ints:
        """All labels that can be drawn, ascending."""
        return np.unique(np.concatenate([part.labels for part in self.parts]))

    def fill(self, rng: np.random.Generator, table: Table, rows: Ints) -> None:
        """Draw sequences into some rows of (4, B, L) class, exemplar, label and rare mark, so far all zero."""
        drawn = [part.draw(rng, len(rows)) for part in self.parts]
        lengths = [part.length for part in self.parts]
        classes = np.concatenate([part.members[found.chosen] for part, found in zip(self.parts, drawn, strict=True)])
        labels = np.concatenate([found.label for found in drawn])
        polysemy = np.repeat([part.rule.polysemy for part in self.parts], lengths)[:, None]
        if (polysemy > 1).any():
            starts = np.cumsum([0, *lengths])[:-1]
            released = [found.owner + start for found, start in zip(drawn, starts, strict=True)]
            owner = _first_of_class(classes) if self.by_sequence else np.concatenate(released)
            share = np.take_along_axis(rng.random(classes.shape), owner, axis=0)
            labels += (share * polysemy).astype(np.int64)
        start = self.length - lengths[-1]
        if self.by_sequence and self.parts[-1].rule.rule == "unfixed":
            for position in range(start, self.length - 1):  # a class's new label holds beside its burst, too
                np.copyto(labels[:start], labels[position], where=classes[:start] == classes[position])
        bears = drawn[-1].bears
        if bears is not None:
            np.copyto(labels[start:], labels[-1], where=bears)
        # Places in the flattened table, so that columns of positions become shuffled rows in one step.
        places = rows * self.length + self._order(rng, drawn[-1])
        flat = table.reshape(4, -1)
        flat[CLASS, places] = classes
        flat[LABEL, places] = labels
        if self.n_exemplars > 1:
            part_number = np.repeat(np.arange(len(self.parts)), lengths)[:, None]
            groups = classes if self.by_sequence else classes + self.split.n_classes * part_number
            flat[EXEMPLAR, places] = self._exemplars(rng, groups, drawn[-1])
        is_rare = np.repeat([part.class_type == "rare" for part in self.parts], lengths)
        if is_rare.any():
            flat[IS_RARE, places[is_rare]] = 1

    def _exemplars(self, rng: np.random.Generator, groups: Ints, last: PartDraw) -> Ints:
        if not self.copies_query:
            return draw_exemplars(rng, groups, self.n_exemplars)
        part, columns = self.parts[-1], np.arange(groups.shape[1])
        assert isinstance(part, FewshotPart)
        context = draw_exemplars(rng, groups[:-1], self.n_exemplars)
        shot = rng.integers(part.shots, size=len(columns))
        copied = self.length - part.length + shot * part.ways + last.owner[-1]
        return np.concatenate([context, context[copied, columns][None]])

    def _order(self, rng: np.random.Generator, last: PartDraw) -> Ints:
        """(L, m) where each position goes."""
        n, m = {"none": 0, "context": self.length - 1, "all": self.length}[self.shuffle], last.owner.shape[1]
        order = np.tile(np.arange(self.length)[:, None], m)
        part = self.parts[-1]
        if isinstance(part, FewshotPart):
            beside = self.length - part.length
            order[:n] = ranks(
                order_keys(
                    rng, self.context_order, n_beside=beside, shots=part.shots, ways=part.ways, query=last.owner[-1]
                )
            )
        elif n:
            order[:n] = ranks(rng.random((n, m)))
        return order


@dataclass(frozen=True, eq=False)
class Mixture:
    """Recipes with the shares of sequences that follow them.

    Args:
        recipes, shares: the recipes and their shares, which add up to 1.
        label_noise: share of context labels that are replaced by another label of the range.

    Raises:
        ValueError: label noise without a second label.
    """

    recipes: tuple[Recipe, ...]
    shares: tuple[float, ...]
    label_noise: float = 0.0
    labels: Ints = field(init=False)

    def __post_init__(self) -> None:
        labels = np.unique(np.concatenate([recipe.labels for recipe in self.recipes]))
        if self.label_noise and len(labels) < 2:
            raise ValueError(f"label_noise needs at least 2 labels to choose from, got {len(labels)}")
        object.__setattr__(self, "labels", labels)

    def draw(self, rng: np.random.Generator, rows: int) -> Table:
        """(4, rows, L) class, exemplar, label and rare mark."""
        table = np.zeros((4, rows, self.recipes[0].length), dtype=np.int32)
        if len(self.recipes) == 1:
            self.recipes[0].fill(rng, table, np.arange(rows))
        else:
            which = np.searchsorted(np.cumsum(self.shares)[:-1], rng.random(rows), side="right")
            for number, recipe in enumerate(self.recipes):
                recipe.fill(rng, table, np.flatnonzero(which == number))
        if self.label_noise:
            self._replace_labels(rng, table[LABEL, :, :-1])
        return table

    def _replace_labels(self, rng: np.random.Generator, context: Table) -> None:
        replaced = rng.random(context.shape) < self.label_noise
        own = np.searchsorted(self.labels, context[replaced])
        other = rng.integers(len(self.labels) - 1, size=own.shape)
        context[replaced] = self.labels[other + (other >= own)]


def _first_of_class(classes: Ints) -> Ints:
    """(L, m) uppermost position of the same class."""
    first = np.tile(np.arange(len(classes))[:, None], classes.shape[1])
    for position in range(len(classes) - 2, -1, -1):
        np.copyto(first[position + 1 :], position, where=classes[position + 1 :] == classes[position])
    return first
