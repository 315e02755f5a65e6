"""What every sequence must satisfy, worked out from the settings alone and not from the package's own rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from icl_data import BatchSampler, Bursty, ClassSplit, Fewshot, LabelElsewhere, Mixed, NoSupport, Random, SequenceBatch


class Drawn(NamedTuple):
    """Sequences and what they were asked to be."""

    batch: SequenceBatch
    split: ClassSplit
    kind: Bursty | Fewshot | LabelElsewhere | Mixed | NoSupport | Random
    paper: bool
    n_labels: int | None
    exemplars: range

    @classmethod
    def by(cls, sampler: BatchSampler, step: int) -> Drawn:
        """A batch of a sampler."""
        paper = sampler.protocol == "paper"
        return cls(sampler(step), sampler.split, sampler.kind, paper, sampler.n_labels, sampler.exemplars)

    @property
    def ordered_by(self) -> str | None:
        """The order of the context of sequences that are surely bursty."""
        if isinstance(self.kind, Fewshot) and self.kind.grouped:
            return "grouped"
        return self.kind.context_order if self.is_bursty else None

    @property
    def is_bursty(self) -> bool:
        """Whether every sequence has bursts."""
        return isinstance(self.kind, Fewshot) or (isinstance(self.kind, Bursty) and 1 in self.shares_of_bursts)

    @property
    def shares_of_bursts(self) -> tuple[float, float]:
        """Shares of bursty sequences among those of known classes, and of those of new ones."""
        return self.kind.p_bursty, self.kind.p_new

    def positions(self, class_type: str) -> list[int]:
        """Positions of the classes of a type; new ones are as many as the batch has sequences."""
        if class_type == "new":
            return list(range(self.split.n_classes, self.split.n_classes + len(self.batch)))
        return self.split.classes(class_type).tolist()

    @property
    def has_noise(self) -> bool:
        """Whether labels of the context may be replaced."""
        return getattr(self.kind, "label_noise", 0) > 0

    def rows(self) -> Iterator[tuple[list[int], list[int], list[int]]]:
        """Classes, exemplars and labels of each sequence."""
        fields = (self.batch.class_index, self.batch.exemplar_index, self.batch.label)
        return zip(*(field.tolist() for field in fields), strict=True)


def labelled(drawn: Drawn) -> set[tuple[str, str]]:
    """The class types that can occur, with their labelings."""
    kind = drawn.kind
    if isinstance(kind, Mixed):
        fewshot, rest = {("rare", "unfixed")}, {("common", "ordered")}
        return (fewshot if kind.p_fewshot > 0 else set()) | (rest if kind.p_fewshot < 1 else set())
    if not isinstance(kind, Bursty):
        return {(kind.class_type, kind.labeling)}
    common, rare = kind.labeling_common, kind.labeling_rare
    polysemy = re.fullmatch(r"ordered_polysemy(\d+)", rare)
    if polysemy and drawn.paper:
        common = rare
    elif polysemy:
        common = f"ordered{drawn.split.n_rare * int(polysemy[1])}"
        rare = f"ordered0_polysemy{polysemy[1]}"
    found = {("new", "ordered")} if kind.p_new > 0 else set()
    if kind.p_new == 1:
        return found
    if kind.p_bursty < 1:
        found.add(("zipfian" if kind.non_bursty_type == "zipfian" else "common", common))
    rest = 1 - kind.p_bursty_common - kind.p_bursty_zipfian
    branches = [
        (kind.p_bursty_zipfian, ("zipfian", rare), ("zipfian", rare)),
        (kind.p_bursty_common, ("common", common), ("rare", rare)),
        (rest if rest > 1e-9 else 0, ("rare", rare), ("common", common)),
    ]
    for share, burst, beside in branches:
        if share * kind.p_bursty > 0:
            found |= {burst} if kind.p_relabel < 1 else set()
            found |= {(burst[0], "unfixed")} if kind.p_relabel > 0 else set()
            found |= {beside} if kind.seq_len > kind.shots * kind.ways + 1 else set()
    return found


def labels_of(drawn: Drawn, class_type: str, labeling: str) -> dict[int, set[int]]:
    """The labels that each class of a type may have."""
    split, n_labels = drawn.split, drawn.n_labels
    classes = drawn.positions(class_type)
    if class_type == "new":
        return {position: {place % n_labels} for place, position in enumerate(classes)}
    if labeling == "unfixed":
        return {position: set(range(drawn.kind.ways)) for position in classes}
    if labeling == "heldout":
        return {position: set(range(drawn.kind.heldout_label_sets * drawn.kind.ways)) for position in classes}
    if labeling == "novel":
        return {position: set(range(n_labels or len(split.trained))) for position in classes}
    if labeling == "original":
        return {position: {int(split.keys[position])} for position in classes}
    first = {"rare": 0, "zipfian": 0, "common": split.n_rare, "holdout": len(split.trained)}[class_type]
    if n_labels:
        return {position: {(first + place) % n_labels} for place, position in enumerate(classes)}
    offset, polysemy = re.fullmatch(r"ordered(\d*)(?:_polysemy(\d+))?", labeling).groups()
    many = int(polysemy or 1)
    start = int(offset) if offset else first * many
    return {
        position: set(range(start + place * many, start + place * many + many))
        for place, position in enumerate(classes)
    }


def possible_labels(drawn: Drawn) -> dict[int, set[int]]:
    """The labels that each class may have, whatever part of a sequence it stands in."""
    found: dict[int, set[int]] = {}
    for class_type, labeling in labelled(drawn):
        for position, labels in labels_of(drawn, class_type, labeling).items():
            found[position] = found.get(position, set()) | labels
    return found


def fields_are_whole_numbers_of_32_bits_for_every_position(drawn: Drawn) -> None:
    shape = (len(drawn.batch), drawn.kind.seq_len)
    for name, field in drawn.batch.to_numpy().items():
        assert field.shape == shape, name
        assert field.dtype == np.int32, name


def classes_are_of_the_types_asked_for(drawn: Drawn) -> None:
    allowed = np.concatenate([drawn.positions(class_type) for class_type, _ in labelled(drawn)])
    assert np.isin(drawn.batch.class_index, allowed).all()


def training_never_shows_a_holdout_class(drawn: Drawn) -> None:
    if isinstance(drawn.kind, Bursty | Mixed) or drawn.kind.class_type != "holdout":
        assert not np.isin(drawn.batch.class_index, drawn.split.holdout).any()


def exemplars_are_those_to_draw_from(drawn: Drawn) -> None:
    assert np.isin(drawn.batch.exemplar_index, list(drawn.exemplars)).all()


def rare_marks_stand_on_classes_drawn_as_rare(drawn: Drawn) -> None:
    assert np.isin(drawn.batch.class_index[drawn.batch.is_rare == 1], drawn.split.rare).all()
    assert np.isin(drawn.batch.is_rare, [0, 1]).all()
    types = {class_type for class_type, _ in labelled(drawn)}
    if "rare" not in types:
        assert not drawn.batch.is_rare.any()
    if types == {"rare"}:
        assert drawn.batch.is_rare.all()


def query_has_a_label_of_its_class(drawn: Drawn) -> None:
    possible = possible_labels(drawn)
    for classes, _, labels in drawn.rows():
        assert labels[-1] in possible[classes[-1]]


def context_has_labels_of_its_classes_or_with_noise_of_any(drawn: Drawn) -> None:
    possible = possible_labels(drawn)
    noise = set().union(*possible.values()) if drawn.has_noise else set()
    for classes, _, labels in drawn.rows():
        borne = {labels[-1]} if isinstance(drawn.kind, LabelElsewhere) else set()
        for position, label in zip(classes[:-1], labels[:-1], strict=True):
            assert label in possible[position] or label in noise | borne


def class_has_one_label_in_a_sequence(drawn: Drawn) -> None:
    """In the released protocol, polysemous labels and coinciding ways can differ."""
    if (drawn.paper and not drawn.has_noise) or isinstance(drawn.kind, LabelElsewhere):
        for classes, _, labels in drawn.rows():
            assert len(set(zip(classes, labels, strict=True))) == len(set(classes))


def query_class_is_never_in_a_context_without_support(drawn: Drawn) -> None:
    if isinstance(drawn.kind, NoSupport | LabelElsewhere):
        assert (drawn.batch.class_index[:, :-1] != drawn.batch.class_index[:, -1:]).all()


def classes_are_distinct_where_they_must_be(drawn: Drawn) -> None:
    unique = getattr(drawn.kind, "all_unique", False)
    if unique or (isinstance(drawn.kind, NoSupport) and drawn.paper):
        assert (np.diff(np.sort(drawn.batch.class_index, axis=1), axis=1) > 0).all()


def label_that_is_elsewhere_stands_on_one_class_as_often_as_shots_and_on_others_only_as_their_own(drawn: Drawn) -> None:
    if not isinstance(drawn.kind, LabelElsewhere):
        return
    possible = possible_labels(drawn)
    for classes, _, labels in drawn.rows():
        bearing = [position for position, label in zip(classes[:-1], labels[:-1], strict=True) if label == labels[-1]]
        strangers = {position for position in bearing if labels[-1] not in possible[position]}
        assert len(strangers) <= 1
        assert all(bearing.count(position) == drawn.kind.shots for position in set(bearing))
        assert bearing


def context_without_the_query_shows_its_classes_as_often_as_shots(drawn: Drawn) -> None:
    if isinstance(drawn.kind, LabelElsewhere):
        for classes, _, _ in drawn.rows():
            assert [classes[:-1].count(one) for one in set(classes[:-1])] == [drawn.kind.shots] * drawn.kind.ways


def query_belongs_to_a_burst_of_as_many_shots(drawn: Drawn) -> None:
    if drawn.is_bursty:
        same = drawn.batch.class_index[:, :-1] == drawn.batch.class_index[:, -1:]
        assert (same.sum(axis=1) >= drawn.kind.shots).all()


def context_shows_as_many_ways_each_as_often_as_shots(drawn: Drawn) -> None:
    """Released ways can coincide, and so can what stands beside bursts."""
    kind = drawn.kind
    if drawn.paper and drawn.is_bursty and kind.seq_len == kind.shots * kind.ways + 1:
        for classes, _, _ in drawn.rows():
            counts = [classes[:-1].count(position) for position in set(classes)]
            assert counts == [kind.shots] * kind.ways


def fresh_labels_of_bursts_are_distinct(drawn: Drawn) -> None:
    if drawn.paper and isinstance(drawn.kind, Fewshot) and drawn.kind.labeling in ("unfixed", "novel", "heldout"):
        for _, _, labels in drawn.rows():
            assert len(set(labels)) == drawn.kind.ways


def bursts_of_distinct_labels_share_none(drawn: Drawn) -> None:
    if getattr(drawn.kind, "distinct_labels", False) and drawn.is_bursty and not drawn.has_noise:
        for classes, _, labels in drawn.rows():
            assert len(set(labels)) == len(set(classes)) == drawn.kind.ways


def sequences_have_new_classes_alone_or_none(drawn: Drawn) -> None:
    is_new = drawn.batch.class_index >= drawn.split.n_classes
    assert (is_new.any(axis=1) == is_new.all(axis=1)).all()


def sets_of_labels_are_held_out_ones_or_never_are(drawn: Drawn) -> None:
    kind = drawn.kind
    if not (drawn.paper and isinstance(kind, Fewshot) and kind.labeling in ("novel", "heldout")):
        return
    held_out = [set(range(j * kind.ways, (j + 1) * kind.ways)) for j in range(kind.heldout_label_sets)]
    for _, _, labels in drawn.rows():
        assert (set(labels) in held_out) == (kind.labeling == "heldout")


def no_exemplar_is_shown_twice_while_there_are_others(drawn: Drawn) -> None:
    """A query that copies is one of the context's; released parts of a sequence draw apart."""
    n = len(drawn.exemplars)
    if not drawn.paper or n == 1:
        return
    end = -1 if getattr(drawn.kind, "query_exemplar", "new") == "copy" else None
    for classes, exemplars, _ in drawn.rows():
        shown = list(zip(classes, exemplars, strict=True))[:end]
        if max(classes.count(position) for position in classes) <= n:
            assert len(set(shown)) == len(shown)


def copying_query_shows_an_exemplar_of_its_context(drawn: Drawn) -> None:
    if drawn.is_bursty and drawn.kind.query_exemplar == "copy":
        for classes, exemplars, _ in drawn.rows():
            *context, query = zip(classes, exemplars, strict=True)
            assert query in context


def bursts_stand_in_the_order_asked_for(drawn: Drawn) -> None:
    order, kind, classes = drawn.ordered_by, drawn.kind, drawn.batch.class_index
    if order is None:
        return
    query, context = classes[:, -1:], classes[:, :-1]
    if order == "query_first":
        assert (context[:, : kind.shots] == query).all()
    if order == "query_last":
        assert (context[:, -kind.shots :] == query).all()
    if not drawn.paper or kind.seq_len > kind.shots * kind.ways + 1:
        return
    if order == "grouped":
        rounds = np.sort(context.reshape(-1, kind.shots, kind.ways), axis=2)
        assert (rounds == rounds[:, :1]).all()
    if order == "blocked":
        assert (context.reshape(-1, kind.ways, kind.shots) == context[:, :: kind.shots, None]).all()


PROMISES: list[Callable[[Drawn], None]] = [
    fields_are_whole_numbers_of_32_bits_for_every_position,
    classes_are_of_the_types_asked_for,
    training_never_shows_a_holdout_class,
    exemplars_are_those_to_draw_from,
    rare_marks_stand_on_classes_drawn_as_rare,
    query_has_a_label_of_its_class,
    context_has_labels_of_its_classes_or_with_noise_of_any,
    class_has_one_label_in_a_sequence,
    query_class_is_never_in_a_context_without_support,
    classes_are_distinct_where_they_must_be,
    label_that_is_elsewhere_stands_on_one_class_as_often_as_shots_and_on_others_only_as_their_own,
    context_without_the_query_shows_its_classes_as_often_as_shots,
    query_belongs_to_a_burst_of_as_many_shots,
    context_shows_as_many_ways_each_as_often_as_shots,
    fresh_labels_of_bursts_are_distinct,
    bursts_of_distinct_labels_share_none,
    sequences_have_new_classes_alone_or_none,
    sets_of_labels_are_held_out_ones_or_never_are,
    no_exemplar_is_shown_twice_while_there_are_others,
    copying_query_shows_an_exemplar_of_its_context,
    bursts_stand_in_the_order_asked_for,
]
