"""Runs of positions that are drawn together: the building blocks of vectorised sequences."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from icl_data._sampling.categorical import Categorical
from icl_data._sampling.classes_by_label import ClassesByLabel
from icl_data._sampling.label_sets import LabelSets
from icl_data._sequences.label_rule import LabelRule
from icl_data._sequences.orders import ranks

Ints = npt.NDArray[np.int64]


class PartDraw(NamedTuple):
    """Positions of a part before any shuffle, all (length, m): one column for each of m sequences.

    Attributes:
        chosen: index of each class among the classes of its type.
        label: labels, the first of its labels for a polysemous class.
        owner: the position in the part whose choice among a class's labels this position shares, as released.
        bears: where the query's label takes the place of the class's own; None for nowhere.
    """

    chosen: Ints
    label: Ints
    owner: Ints
    bears: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Part(ABC):
    """What the parts share: a type of class, its positions, their labels, a length, and whether classes may repeat."""

    class_type: str
    members: Ints
    rule: LabelRule
    classes: Categorical
    length: int
    distinct: bool

    @property
    def labels(self) -> Ints:
        """All labels the part can have, ascending."""
        return self.rule.labels(0)

    @abstractmethod
    def draw(self, rng: np.random.Generator, m: int) -> PartDraw:
        """Draw this part of `m` sequences."""

    def _each_by_itself(self, index: Ints) -> PartDraw:
        assert self.rule.table is not None
        return PartDraw(index, self.rule.table[index], np.broadcast_to(np.arange(self.length)[:, None], index.shape))


@dataclass(frozen=True, kw_only=True, eq=False)
class RandomPart(Part):
    """Independent draws, or sequential ones without replacement."""

    def draw(self, rng: np.random.Generator, m: int) -> PartDraw:
        """See `Part.draw`."""
        return self._each_by_itself(self.classes.sample(rng, self.length, m, distinct=self.distinct))


@dataclass(frozen=True, kw_only=True, eq=False)
class NoSupportPart(Part):
    """A query drawn by the full weights, at the end, behind classes that are all different from it."""

    def draw(self, rng: np.random.Generator, m: int) -> PartDraw:
        """See `Part.draw`."""
        if self.distinct:
            return self._each_by_itself(self.classes.draw_distinct(rng, self.length, m)[::-1])
        query = self.classes.draw(rng, (1, m))
        support = self.classes.draw_excluding(rng, np.tile(query, self.length - 1))
        return self._each_by_itself(np.concatenate([support.reshape(self.length - 1, m), query]))


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelElsewherePart(Part):
    """`ways` classes in turn, one of which bears the query's label, then the query, of a class of its own."""

    ways: int

    def draw(self, rng: np.random.Generator, m: int) -> PartDraw:
        """See `Part.draw`."""
        drawn = self.classes.draw_distinct(rng, self.ways + 1, m)
        query, ways = drawn[:1], drawn[1:]  # the query comes first, and so has the full weights
        shots = (self.length - 1) // self.ways
        found = self._each_by_itself(np.concatenate([*[ways] * shots, query]))
        way = np.arange(self.length) % self.ways
        way[-1] = self.length - 1
        bears = way[:, None] == rng.integers(self.ways, size=m)
        bears[-1] = False
        return found._replace(owner=np.broadcast_to(way[:, None], bears.shape), bears=bears)


@dataclass(frozen=True, kw_only=True, eq=False)
class FewshotPart(Part):
    """`ways` classes in turn, then the query, which is one of them; `label_sets` under "novel" and "heldout", and
    `by_label` where the classes must have distinct labels."""

    ways: int
    label_sets: LabelSets | None = None
    by_label: ClassesByLabel | None = None

    @property
    def shots(self) -> int:
        """Appearances of each class in the context."""
        return (self.length - 1) // self.ways

    @property
    def labels(self) -> Ints:
        """See `Part.labels`."""
        if self.label_sets is not None:
            return self.label_sets.labels(held_out=self.rule.rule == "heldout")
        return self.rule.labels(self.ways)

    def draw(self, rng: np.random.Generator, m: int) -> PartDraw:
        """See `Part.draw`."""
        if self.by_label is not None:
            classes = self.by_label.draw(rng, self.ways, m)
        else:
            classes = self.classes.sample(rng, self.ways, m, distinct=self.distinct)
        query, columns = rng.integers(self.ways, size=m), np.arange(m)
        way = np.broadcast_to(np.arange(self.ways)[:, None], classes.shape)
        # The first `ways` positions hold the classes in turn, so a way's number is also its first position.
        return PartDraw(
            *(
                np.concatenate([*[of_way] * self.shots, of_way[query, columns][None]])
                for of_way in (classes, self._labels(rng, classes, way), way)
            )
        )

    def _labels(self, rng: np.random.Generator, classes: Ints, way: Ints) -> Ints:
        if self.rule.table is not None:
            return self.rule.table[classes]
        if self.rule.rule == "unfixed":
            # Skewed draws without replacement tend to bring frequent classes first, which labels must not show.
            return ranks(rng.random(way.shape)) if self.distinct and not self.classes.uniform else way
        assert self.label_sets is not None
        return self.label_sets.draw(rng, classes.shape[1], held_out=self.rule.rule == "heldout")
