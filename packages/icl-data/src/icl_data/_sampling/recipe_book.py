"""From a kind of sequence to the recipes that make it, under either protocol."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from icl_data._sampling.categorical import Categorical, Ints
from icl_data._sampling.classes_by_label import ClassesByLabel
from icl_data._sampling.label_sets import LabelSets
from icl_data._sampling.parts import FewshotPart, LabelElsewherePart, NoSupportPart, Part, RandomPart
from icl_data._sampling.recipe import Mixture, Recipe, Shuffle
from icl_data._sequences.feasibility import non_bursty_part
from icl_data._sequences.kinds import Branch, Bursty, Fewshot, LabelElsewhere, Mixed, NoSupport, Random, SequenceKind
from icl_data._sequences.label_rule import NEW, LabelRule
from icl_data._sequences.labeling import parse_labeling
from icl_data._sequences.split import ClassSplit


@dataclass(frozen=True, kw_only=True, eq=False)
class RecipeBook:
    """Recipes for one class split.

    Args:
        split: class split.
        n_exemplars: exemplars per class.
        paper: few-shot classes and no-support contexts without repeats, one label per polysemous class and sequence;
            else the released distributions.
        n_labels: labels shared by classes, or None.
        n_new: new classes of a batch, for sequences that have them.

    Raises:
        ValueError: from `mixture`, for labels or classes that are not there.
    """

    split: ClassSplit
    n_exemplars: int
    paper: bool
    n_labels: int | None
    n_new: int
    _by_type: dict[str, Categorical] = field(default_factory=dict, init=False)

    def mixture(self, kind: SequenceKind) -> Mixture:
        """The recipes of a kind and their shares."""
        if isinstance(kind, Bursty):
            return self._bursty(kind)
        if isinstance(kind, Mixed):
            fewshot, random = kind.parts()
            choices = ((self._single(fewshot), kind.p_fewshot), (self._single(random), 1 - kind.p_fewshot))
            return _mixture([choice for choice in choices if choice[1] > 0])
        noise = kind.label_noise if isinstance(kind, Random) else 0.0
        return _mixture([(self._single(kind), 1.0)], noise)

    def _bursty(self, kind: Bursty) -> Mixture:
        common, rare = self._bursty_labelings(kind)
        choices = []
        if kind.p_bursty < 1 and kind.p_new < 1:
            choices.append((self._single(non_bursty_part(kind, common)), (1 - kind.p_bursty) * (1 - kind.p_new)))
        renamed = {name: getattr(kind, name) for name in kind.__dataclass_fields__}
        renamed.update(labeling_common=common, labeling_rare=rare)
        for branch in Bursty(**renamed).branches() if kind.p_new < 1 else ():
            choices.append((self._branch(kind, branch), kind.p_bursty * branch.probability * (1 - kind.p_new)))
        if kind.p_new:
            choices.append((self._branch(kind, Branch(1.0, NEW, "ordered", NEW, "ordered")), kind.p_new))
        return _mixture(choices, kind.label_noise)

    def _bursty_labelings(self, kind: Bursty) -> tuple[str, str]:
        """labeling_common and labeling_rare with a polysemous labeling_rare spelt out.

        Released shifts common labels behind the rare ones, but leaves non-bursty sequences to run past the last label;
        in the paper's design every class has labels of its own.
        """
        rule = parse_labeling(kind.labeling_rare)
        if rule.polysemy is None or rule.offset is not None:
            return kind.labeling_common, kind.labeling_rare
        if self.paper:
            return kind.labeling_rare, kind.labeling_rare
        return f"ordered{self.split.n_rare * rule.polysemy}", f"ordered0_polysemy{rule.polysemy}"

    def _branch(self, kind: Bursty, branch: Branch) -> Recipe:
        parts: list[Part] = []
        if kind.n_remainder:
            parts.append(self._random(branch.remainder_type, kind.n_remainder, branch.remainder_labeling))
        parts.append(self._fewshot(kind, branch.fewshot_type, branch.fewshot_labeling))
        return self._recipe(tuple(parts), "context", kind.context_order, copies_query=kind.query_exemplar == "copy")

    def _single(self, kind: Fewshot | Random | NoSupport | LabelElsewhere) -> Recipe:
        if isinstance(kind, Fewshot):
            part = self._fewshot(kind, kind.class_type, kind.labeling)
            order = "grouped" if kind.grouped else kind.context_order
            return self._recipe((part,), "context", order, copies_query=kind.query_exemplar == "copy")
        if isinstance(kind, LabelElsewhere):
            elsewhere = LabelElsewherePart(
                class_type=kind.class_type,
                members=self._members(kind.class_type),
                rule=self._rule(kind.class_type, kind.labeling),
                classes=self._classes(kind.class_type),
                length=kind.seq_len,
                distinct=True,
                ways=kind.ways,
            )
            return self._recipe((elsewhere,), "context")
        if isinstance(kind, NoSupport) and not kind.all_unique:
            query_last = NoSupportPart(
                class_type=kind.class_type,
                members=self._members(kind.class_type),
                rule=self._rule(kind.class_type, kind.labeling),
                classes=self._classes(kind.class_type),
                length=kind.seq_len,
                distinct=self.paper,
            )
            # Draws without replacement favour frequent classes early on, which the order must not show.
            return self._recipe((query_last,), "context" if self.paper else "none")
        random = self._random(kind.class_type, kind.seq_len, kind.labeling, distinct=kind.all_unique)
        return self._recipe((random,), "all" if kind.all_unique else "none")

    def _random(self, class_type: str, length: int, labeling: str, *, distinct: bool = False) -> RandomPart:
        return RandomPart(
            class_type=class_type,
            members=self._members(class_type),
            rule=self._rule(class_type, labeling),
            classes=self._classes(class_type),
            length=length,
            distinct=distinct,
        )

    def _fewshot(self, kind: Fewshot | Bursty, class_type: str, labeling: str) -> FewshotPart:
        shots, ways = kind.shots, kind.ways
        rule = self._rule(class_type, labeling)
        label_sets = None
        if isinstance(kind, Fewshot) and rule.rule in ("novel", "heldout"):
            label_sets = LabelSets(n_labels=rule.n_novel, ways=ways, n_held_out=kind.heldout_label_sets)
        by_label = None
        if kind.distinct_labels:
            assert rule.table is not None
            by_label = ClassesByLabel(rule.table)
            if by_label.n_labels < ways:
                raise ValueError(
                    f"distinct_labels needs {ways} labels among the {class_type} classes, got {by_label.n_labels}"
                )
        elif class_type == NEW and self.paper and self.n_new < ways:
            raise ValueError(f"{ways} distinct new classes need a batch of as many sequences, got {self.n_new}")
        return FewshotPart(
            class_type=class_type,
            members=self._members(class_type),
            rule=rule,
            classes=self._classes(class_type),
            length=shots * ways + 1,
            distinct=self.paper,
            ways=ways,
            label_sets=label_sets,
            by_label=by_label,
        )

    def _rule(self, class_type: str, labeling: str) -> LabelRule:
        return LabelRule(self.split, class_type, labeling, self.n_labels, self.n_new)

    def _members(self, class_type: str) -> Ints:
        """Class positions of a type; those of new classes come after all that the split has."""
        if class_type == NEW:
            return self.split.n_classes + np.arange(self.n_new)
        return self.split.classes(class_type)

    def _classes(self, class_type: str) -> Categorical:
        """The draws of a type's classes, whose tables are made once for all parts."""
        if class_type not in self._by_type:
            weights = np.full(self.n_new, 1 / self.n_new) if class_type == NEW else self.split.weights(class_type)
            self._by_type[class_type] = Categorical(weights)
        return self._by_type[class_type]

    def _recipe(
        self, parts: tuple[Part, ...], shuffle: Shuffle, context_order: str = "shuffled", *, copies_query: bool = False
    ) -> Recipe:
        return Recipe(
            split=self.split,
            parts=parts,
            shuffle=shuffle,
            context_order=context_order,
            copies_query=copies_query,
            n_exemplars=self.n_exemplars,
            by_sequence=self.paper,
        )


def _mixture(choices: list[tuple[Recipe, float]], label_noise: float = 0.0) -> Mixture:
    return Mixture(tuple(recipe for recipe, _ in choices), tuple(share for _, share in choices), label_noise)
