"""Runs of positions that are drawn together: the building blocks of vectorised sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from icl_data._categorical import Categorical
from icl_data._label_rule import LabelRule

Ints = npt.NDArray[np.int64]


class PartDraw(NamedTuple):
    """Positions of a part before any shuffle, all (rows, length).

    Attributes:
        chosen: index of each class among the classes of its type.
        label: labels, the first of its labels for a polysemous class.
        owner: the position in the part whose choice among a class's labels this position shares, as released.
    """

    chosen: Ints
    label: Ints
    owner: Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """What the parts share: a type of class, its labels, a length, and whether classes may repeat."""

    class_type: str
    rule: LabelRule
    classes: Categorical
    length: int
    distinct: bool

    @property
    def num_labels(self) -> int:
        """One more than the largest label the part can have."""
        return self.rule.num_labels(0)

    def draw(self, rng: np.random.Generator, rows: int) -> PartDraw:
        """Draw `rows` sequences' worth of this part."""
        raise NotImplementedError

    def _each_by_itself(self, index: Ints) -> PartDraw:
        assert self.rule.table is not None
        return PartDraw(index, self.rule.table[index], np.broadcast_to(np.arange(self.length), index.shape))


@dataclass(frozen=True, kw_only=True, eq=False)
class RandomPart(Part):
    """Independent draws, or sequential ones without replacement."""

    def draw(self, rng: np.random.Generator, rows: int) -> PartDraw:
        """See `Part.draw`."""
        return self._each_by_itself(self.classes.sample(rng, rows, self.length, distinct=self.distinct))


@dataclass(frozen=True, kw_only=True, eq=False)
class NoSupportPart(Part):
    """A query drawn by the full weights, at the end, behind classes that are all different from it."""

    def draw(self, rng: np.random.Generator, rows: int) -> PartDraw:
        """See `Part.draw`."""
        if self.distinct:
            return self._each_by_itself(self.classes.draw_distinct(rng, rows, self.length)[:, ::-1])
        query = self.classes.draw(rng, (rows, 1))
        support = self.classes.draw_excluding(rng, np.repeat(query, self.length - 1, axis=0))
        return self._each_by_itself(np.concatenate([support.reshape(rows, -1), query], axis=1))


@dataclass(frozen=True, kw_only=True, eq=False)
class FewshotPart(Part):
    """`ways` classes in turn, then the query, which is one of them."""

    ways: int

    @property
    def num_labels(self) -> int:
        """See `Part.num_labels`."""
        return self.rule.num_labels(self.ways)

    def draw(self, rng: np.random.Generator, rows: int) -> PartDraw:
        """See `Part.draw`."""
        drawn = self.classes.sample(rng, rows, self.ways, distinct=self.distinct)
        way = np.empty((rows, self.length), dtype=np.int64)
        way[:, :-1] = np.arange(self.length - 1) % self.ways
        way[:, -1] = rng.integers(self.ways, size=rows)
        index = np.take_along_axis(drawn, way, axis=1)
        # The first `ways` positions hold the classes in turn, so a way's number is also its first position.
        return PartDraw(index, self._labels(rng, index, way), way)

    def _labels(self, rng: np.random.Generator, index: Ints, way: Ints) -> Ints:
        if self.rule.table is not None:
            return self.rule.table[index]
        if self.rule.rule == "unfixed":
            return way
        labels = Categorical(np.full(self.rule.n_novel, 1 / self.rule.n_novel))
        return np.take_along_axis(labels.draw_distinct(rng, len(way), self.ways), way, axis=1)
