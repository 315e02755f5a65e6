"""The exact stream: one sequence at a time, drawn as the released code of Chan et al. (2022) draws it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from icl_data._feasibility import check_feasible, non_bursty_part
from icl_data._kinds import Bursty, Fewshot, Mixed, NoSupport, Random, SequenceKind
from icl_data._labeling import parse_labeling
from icl_data._released_examples import ReleasedExamples
from icl_data._source import Source
from icl_data._split import ClassSplit, check_integers

Record = dict[str, npt.NDArray[Any]]
Ints = npt.NDArray[np.int64]


class _Part(NamedTuple):
    """Examples, labels and the rare mark of a run of positions."""

    example: npt.NDArray[Any]
    label: Ints
    is_rare: Ints

    def reordered(self, order: Ints) -> _Part:
        return _Part(self.example[order], self.label[order], self.is_rare[order])


def _joined(first: _Part, second: _Part) -> _Part:
    return _Part(*(np.concatenate(pair) for pair in zip(first, second, strict=True)))


class SeqGenerator:
    """Infinite, seeded iterators over sequences, bit for bit those of the released code.

    Every iterator yields records: dicts of arrays `example` (L, *example_shape), int32 ids or float32, `label` (L,)
    int32 and `is_rare` (L,) int32; the last position is the query. Iterators of one generator share its two random
    streams, which are its own: `numpy.random.RandomState(seed)` and `random.Random(seed)`. Arguments are checked when
    an iterator is made, not when it is first used.

    Args:
        source: where examples come from.
        n_rare_classes, n_common_classes, n_holdout_classes: sizes of the class split.
        zipf_exponent: skew over rare then common classes, see `ClassSplit`.
        use_zipf_for_common_rare: use the skew within rare and within common classes too.
        noise_scale: standard deviation of Gaussian noise added to images and vectors; for ids it uses random numbers
            up without changing anything, as released.
        preserve_ordering_every_n: keep such blocks of classes together in the split.
        random_seed: seed of the class split.
        seed: seed of the two random streams.

    Raises:
        ValueError: the class types do not fit into the source's classes, noise_scale is negative, or the seed is no
            integer from 0 to 2**32 - 1.
    """

    def __init__(
        self,
        source: Source,
        n_rare_classes: int,
        n_common_classes: int,
        n_holdout_classes: int = 0,
        zipf_exponent: float = 1.0,
        use_zipf_for_common_rare: bool = False,
        noise_scale: float = 0.1,
        preserve_ordering_every_n: int | None = None,
        random_seed: int = 1337,
        *,
        seed: int,
    ) -> None:
        check_integers(seed=seed)
        if not 0 <= seed < 2**32:
            raise ValueError(f"seed must be in [0, 2**32), got {seed}")
        self.source = source
        self.split = ClassSplit(
            source.class_keys,
            n_rare=n_rare_classes,
            n_common=n_common_classes,
            n_holdout=n_holdout_classes,
            zipf_exponent=zipf_exponent,
            use_zipf_for_common_rare=use_zipf_for_common_rare,
            preserve_ordering_every_n=preserve_ordering_every_n,
            seed=random_seed,
        )
        self._numpy = np.random.RandomState(seed)
        self._python = random.Random(seed)
        self._examples = ReleasedExamples(source, self.split, noise_scale, self._numpy)
        self._cumulative: dict[str, npt.NDArray[np.float64]] = {}

    def get_bursty_seq(
        self,
        seq_len: int = 9,
        shots: int = 3,
        ways: int = 2,
        p_bursty: float = 0.9,
        p_bursty_common: float = 0.0,
        p_bursty_zipfian: float = 1.0,
        non_bursty_type: str = "zipfian",
        labeling_common: str = "ordered",
        labeling_rare: str = "ordered",
        randomly_generate_rare: bool = False,
        grouped: bool = False,
    ) -> Iterator[Record]:
        """Bursty training sequences, see `Bursty`. randomly_generate_rare: see `get_random_seq`."""
        kind = Bursty(
            seq_len=seq_len,
            shots=shots,
            ways=ways,
            p_bursty=p_bursty,
            p_bursty_common=p_bursty_common,
            p_bursty_zipfian=p_bursty_zipfian,
            non_bursty_type=non_bursty_type,
            labeling_common=labeling_common,
            labeling_rare=labeling_rare,
            grouped=grouped,
        )
        kind = _released_labelings(kind, self.split.n_rare)
        return self._iterate(kind, randomly_generate_rare, lambda: self._bursty(kind, randomly_generate_rare))

    def get_no_support_seq(
        self,
        class_type: str = "zipfian",
        seq_len: int = 9,
        all_unique: bool = False,
        labeling: str = "ordered",
        randomly_generate_rare: bool = False,
    ) -> Iterator[Record]:
        """Sequences whose query class is not in the context, see `NoSupport`."""
        kind = NoSupport(class_type=class_type, seq_len=seq_len, all_unique=all_unique, labeling=labeling)
        return self._iterate(kind, randomly_generate_rare, lambda: self._no_support(kind, randomly_generate_rare))

    def get_random_seq(
        self,
        class_type: str = "zipfian",
        seq_len: int = 9,
        labeling: str = "ordered",
        randomly_generate_rare: bool = False,
        all_unique: bool = False,
    ) -> Iterator[Record]:
        """Independent draws, see `Random`.

        With randomly_generate_rare every rare class looks like a new image of coin flips in every sequence, which
        needs a source of images with one exemplar per class.
        """
        kind = Random(class_type=class_type, seq_len=seq_len, labeling=labeling, all_unique=all_unique)
        return self._iterate(kind, randomly_generate_rare, lambda: self._random(kind, randomly_generate_rare))

    def get_fewshot_seq(
        self,
        class_type: str = "holdout",
        shots: int = 4,
        ways: int = 2,
        labeling: str = "unfixed",
        randomly_generate_rare: bool = False,
        grouped: bool = False,
    ) -> Iterator[Record]:
        """Few-shot sequences, see `Fewshot`; the ways are drawn with replacement, as released.

        Raises:
            ValueError: as `Fewshot`, or labeling "novel", which `BatchSampler` alone draws.
        """
        kind = Fewshot(class_type=class_type, shots=shots, ways=ways, labeling=labeling, grouped=grouped)
        if labeling == "novel":
            raise ValueError("labeling 'novel' is drawn by BatchSampler only; choose another or use BatchSampler")
        return self._iterate(kind, randomly_generate_rare, lambda: self._fewshot(kind, randomly_generate_rare))

    def get_mixed_seq(self, shots: int = 4, ways: int = 2, p_fewshot: float = 0.5) -> Iterator[Record]:
        """Few-shot sequences of rare classes mixed with random ones of common classes, see `Mixed`."""
        kind = Mixed(shots=shots, ways=ways, p_fewshot=p_fewshot)
        fewshot, rest = kind.parts()

        def draw() -> _Part:
            if self._python.uniform(0, 1) < p_fewshot:
                return self._fewshot(fewshot, False)
            return self._random(rest, False)

        return self._iterate(kind, False, draw)

    def _iterate(self, kind: SequenceKind, randomly_generate_rare: bool, draw: Callable[[], _Part]) -> Iterator[Record]:
        check_feasible(kind, self.split, self.source.n_exemplars, distinct=False)
        if randomly_generate_rare:
            self._examples.check_random_rare()
        return self._records(draw)

    def _records(self, draw: Callable[[], _Part]) -> Iterator[Record]:
        dtype = np.int32 if self.source.kind == "id" else np.float32
        while True:
            part = draw()
            yield {
                "example": part.example.astype(dtype),
                "label": part.label.astype(np.int32),
                "is_rare": part.is_rare.astype(np.int32),
            }

    def _draw(self, class_type: str, size: int) -> Ints:
        """Indices into the classes of a type, with replacement: RandomState.choice, its cumulative sum kept."""
        cumulative = self._cumulative.get(class_type)
        if cumulative is None:
            cumulative = self.split.weights(class_type).cumsum()
            cumulative = self._cumulative[class_type] = cumulative / cumulative[-1]
        return np.asarray(cumulative.searchsorted(self._numpy.random_sample(size), side="right"), dtype=np.int64)

    def _labels(self, class_type: str, labeling: str, index: Ints, choice: npt.ArrayLike = 0) -> Ints:
        rule = parse_labeling(labeling)
        if rule.rule == "original":
            return self.split.keys[self.split.classes(class_type)[index]]
        polysemy = rule.polysemy or 1
        offset = self.split.first_label(class_type, polysemy) if rule.offset is None else rule.offset
        return np.asarray(index * polysemy + offset + np.asarray(choice), dtype=np.int64)

    def _part(self, class_type: str, index: Ints, randomly_generate_rare: bool, labels: Ints | None) -> _Part:
        example = self._examples.draw(self.split.classes(class_type)[index], randomly_generate_rare)
        is_rare = np.full(len(index), int(class_type == "rare"))
        return _Part(example, index if labels is None else labels, is_rare)

    def _random_labelled(self, class_type: str, index: Ints, labeling: str, randomly_generate_rare: bool) -> _Part:
        part = self._part(class_type, index, randomly_generate_rare, None)
        polysemy = parse_labeling(labeling).polysemy
        choice = 0 if polysemy is None else self._python.choices(range(polysemy), k=len(index))
        return part._replace(label=self._labels(class_type, labeling, index, choice))

    def _random(self, kind: Random, randomly_generate_rare: bool) -> _Part:
        if kind.all_unique:
            weights = self.split.weights(kind.class_type)
            index = self._numpy.choice(len(weights), size=kind.seq_len, replace=False, p=weights)
        else:
            index = self._draw(kind.class_type, kind.seq_len)
        self._numpy.shuffle(index)
        return self._random_labelled(kind.class_type, index, kind.labeling, randomly_generate_rare)

    def _no_support(self, kind: NoSupport, randomly_generate_rare: bool) -> _Part:
        if kind.all_unique:
            unique = Random(class_type=kind.class_type, seq_len=kind.seq_len, labeling=kind.labeling, all_unique=True)
            return self._random(unique, randomly_generate_rare)
        query = self._draw(kind.class_type, 1)
        weights = np.delete(self.split.weights(kind.class_type), query)
        support = self._numpy.choice(len(weights), size=kind.seq_len - 1, p=weights / weights.sum())
        support += support >= query  # back to positions among all classes
        self._numpy.shuffle(support)
        index = np.concatenate([support, query])
        return self._random_labelled(kind.class_type, index, kind.labeling, randomly_generate_rare)

    def _fewshot(self, kind: Fewshot, randomly_generate_rare: bool) -> _Part:
        ways = self._draw(kind.class_type, kind.ways)
        polysemy = parse_labeling(kind.labeling).polysemy
        choice = 0 if polysemy is None else self._python.choices(range(polysemy), k=kind.ways)
        query = self._python.choice(range(kind.ways))
        if kind.labeling == "unfixed":
            labels = np.arange(kind.ways)
        else:
            labels = self._labels(kind.class_type, kind.labeling, ways, choice)
        which = np.append(np.tile(np.arange(kind.ways), kind.shots), query)
        part = self._part(kind.class_type, ways[which], randomly_generate_rare, labels[which])
        order = np.arange(kind.seq_len)
        group = kind.ways if kind.grouped else kind.seq_len - 1
        for start in range(0, kind.seq_len - 1, group):
            self._numpy.shuffle(order[start : start + group])
        return part.reordered(order)

    def _bursty(self, kind: Bursty, randomly_generate_rare: bool) -> _Part:
        if self._python.uniform(0, 1) >= kind.p_bursty:
            rest = non_bursty_part(kind)
            if isinstance(rest, NoSupport):
                return self._no_support(rest, randomly_generate_rare)
            return self._random(rest, randomly_generate_rare)
        u = self._python.uniform(0, 1)
        if u < kind.p_bursty_zipfian:
            types, labelings = ("zipfian", "zipfian"), (kind.labeling_rare, kind.labeling_rare)
        elif u < kind.p_bursty_common + kind.p_bursty_zipfian:
            types, labelings = ("common", "rare"), (kind.labeling_common, kind.labeling_rare)
        else:
            types, labelings = ("rare", "common"), (kind.labeling_rare, kind.labeling_common)
        fewshot = Fewshot(
            class_type=types[0], shots=kind.shots, ways=kind.ways, labeling=labelings[0], grouped=kind.grouped
        )
        part = self._fewshot(fewshot, randomly_generate_rare)
        if kind.n_remainder:
            filling = Random(class_type=types[1], seq_len=kind.n_remainder, labeling=labelings[1])
            part = _joined(self._random(filling, randomly_generate_rare), part)
        order = np.arange(kind.seq_len)
        self._numpy.shuffle(order[:-1])
        return part.reordered(order)


def _released_labelings(kind: Bursty, n_rare: int) -> Bursty:
    """Spell out the label ranges that a polysemous labeling_rare without a shift stands for."""
    rule = parse_labeling(kind.labeling_rare)
    if rule.polysemy is None or rule.offset is not None:
        return kind
    values = {name: getattr(kind, name) for name in kind.__dataclass_fields__}
    values["labeling_common"] = f"ordered{n_rare * rule.polysemy}"
    values["labeling_rare"] = f"ordered0_polysemy{rule.polysemy}"
    return Bursty(**values)
