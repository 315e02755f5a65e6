"""How the released code draws each kind of sequence: which random numbers it asks for, in which order."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from icl_data._released.choice import ReleasedChoice
from icl_data._released.examples import ReleasedExamples
from icl_data._sequences.feasibility import non_bursty_part
from icl_data._sequences.kinds import Branch, Bursty, Fewshot, Mixed, NoSupport, Random
from icl_data._sequences.labeling import parse_labeling
from icl_data._sequences.split import ClassSplit
from icl_data._sources.source import Source

Ints = npt.NDArray[np.int64]


class Sequence(NamedTuple):
    """A sequence, or a run of its positions.

    Attributes:
        drawn: (L, ...) drawn examples, see `ReleasedExamples`.
        label: (L,) labels.
        is_rare: (L,) int32 marks.
    """

    drawn: npt.NDArray[Any]
    label: Ints
    is_rare: npt.NDArray[np.int32]

    def reordered(self, order: list[int]) -> Sequence:
        """The same positions in another order."""
        where = np.array(order)
        return Sequence(self.drawn[where], self.label[where], self.is_rare[where])


Draw = Callable[[], Sequence]


class ReleasedDraws:
    """Functions that draw one sequence of a kind each, from two random streams that they share.

    What does not change from sequence to sequence is worked out when such a function is made.

    Args:
        source: where examples come from.
        split: class split.
        noise_scale: standard deviation of the noise on examples.
        seed: seed of both streams.
    """

    def __init__(self, source: Source, split: ClassSplit, noise_scale: float, seed: int) -> None:
        self._split = split
        self._numpy = np.random.RandomState(seed)
        self._python = random.Random(seed)
        self.examples = ReleasedExamples(source, split, noise_scale, self._numpy)
        self._choices: dict[str, ReleasedChoice] = {}

    def random(self, kind: Random, randomly_generate_rare: bool) -> Draw:
        """Draws `Random` sequences."""
        choice, finish = self._choice(kind.class_type), self._finish(kind, randomly_generate_rare)
        stream, weights = self._numpy, choice.weights

        def draw() -> Sequence:
            if kind.all_unique:
                index = stream.choice(len(weights), size=kind.seq_len, replace=False, p=weights)
            else:
                index = choice.many(kind.seq_len)
            stream.shuffle(index)
            return finish(index)

        return draw

    def no_support(self, kind: NoSupport, randomly_generate_rare: bool) -> Draw:
        """Draws `NoSupport` sequences."""
        if kind.all_unique:
            unique = Random(class_type=kind.class_type, seq_len=kind.seq_len, labeling=kind.labeling, all_unique=True)
            return self.random(unique, randomly_generate_rare)
        choice, finish = self._choice(kind.class_type), self._finish(kind, randomly_generate_rare)
        stream = self._numpy

        def draw() -> Sequence:
            query = choice.few(1)
            support = choice.many_but(query[0], kind.seq_len - 1)
            stream.shuffle(support)
            return finish(np.append(support, query))

        return draw

    def fewshot(self, kind: Fewshot, randomly_generate_rare: bool) -> Draw:
        """Draws `Fewshot` sequences; the ways are drawn with replacement."""
        choice, classes = self._choice(kind.class_type), self._split.classes(kind.class_type)
        labels_of = self._labels_of(kind.class_type, kind.labeling)
        polysemy = parse_labeling(kind.labeling).polysemy
        unfixed = kind.labeling == "unfixed"
        in_turn = np.append(np.tile(np.arange(kind.ways), kind.shots), 0)  # which way each position shows
        n_context = kind.seq_len - 1
        group = kind.ways if kind.grouped else n_context
        shuffled_together = [list(range(start, start + group)) for start in range(0, n_context, group)]
        is_rare = _marks(kind.class_type, kind.seq_len)
        shuffle, python, examples = self._numpy.shuffle, self._python, self.examples

        def draw() -> Sequence:
            ways = choice.few(kind.ways)
            index = np.array(ways)
            polysemes = 0 if polysemy is None else python.choices(range(polysemy), k=kind.ways)
            turn = in_turn.copy()
            turn[-1] = _below(python, kind.ways)
            drawn = examples.draw(classes[index][turn], randomly_generate_rare)
            order = []
            for places in shuffled_together:
                places = places.copy()
                shuffle(places)
                order += places
            order.append(n_context)
            where = np.array(order)
            label = turn[where] if unfixed else labels_of(index, polysemes)[turn[where]]
            return Sequence(drawn[where], label, is_rare)

        return draw

    def mixed(self, kind: Mixed) -> Draw:
        """Draws `Mixed` sequences."""
        fewshot_kind, random_kind = kind.parts()
        fewshot, rest = self.fewshot(fewshot_kind, False), self.random(random_kind, False)
        uniform, share = self._python.random, kind.p_fewshot
        return lambda: fewshot() if uniform() < share else rest()

    def bursty(self, kind: Bursty, randomly_generate_rare: bool) -> Draw:
        """Draws `Bursty` sequences."""
        # Which kind a uniform number stands for, in the order of the branches; the last one takes all that is left.
        bounds = {"zipfian": kind.p_bursty_zipfian, "common": kind.p_bursty_common + kind.p_bursty_zipfian, "rare": 1}
        branches = kind.branches()
        bursts = [
            (bounds[branch.fewshot_type], self._burst(kind, branch, randomly_generate_rare)) for branch in branches
        ]
        rest = None if kind.p_bursty == 1 else self._non_bursty(kind, randomly_generate_rare)
        uniform = self._python.random

        def draw() -> Sequence:
            if uniform() >= kind.p_bursty:
                assert rest is not None
                return rest()
            u = uniform()
            for bound, burst in bursts:
                if u < bound:
                    return burst()
            return bursts[-1][1]()

        return draw

    def _non_bursty(self, kind: Bursty, randomly_generate_rare: bool) -> Draw:
        rest = non_bursty_part(kind)
        if isinstance(rest, NoSupport):
            return self.no_support(rest, randomly_generate_rare)
        return self.random(rest, randomly_generate_rare)

    def _burst(self, kind: Bursty, branch: Branch, randomly_generate_rare: bool) -> Draw:
        fewshot = Fewshot(
            class_type=branch.fewshot_type,
            shots=kind.shots,
            ways=kind.ways,
            labeling=branch.fewshot_labeling,
            grouped=kind.grouped,
        )
        burst, beside = self.fewshot(fewshot, randomly_generate_rare), None
        if kind.n_remainder:
            remainder = Random(
                class_type=branch.remainder_type, seq_len=kind.n_remainder, labeling=branch.remainder_labeling
            )
            beside = self.random(remainder, randomly_generate_rare)
        n_context, shuffle = kind.seq_len - 1, self._numpy.shuffle

        def draw() -> Sequence:
            sequence = burst()
            if beside is not None:
                others = beside()
                sequence = Sequence(*(np.concatenate((others[i], sequence[i])) for i in range(len(sequence))))
            order = list(range(n_context))
            shuffle(order)
            return sequence.reordered([*order, n_context])

        return draw

    def _choice(self, class_type: str) -> ReleasedChoice:
        if class_type not in self._choices:
            self._choices[class_type] = ReleasedChoice(self._split.weights(class_type), self._numpy)
        return self._choices[class_type]

    def _labels_of(self, class_type: str, labeling: str) -> Callable[[Ints, npt.ArrayLike], Ints]:
        """From indices among the classes of a type, and the choice among the labels of each, to labels."""
        rule = parse_labeling(labeling)
        if rule.rule == "original":
            keys = self._split.keys[self._split.classes(class_type)]
            return lambda index, polysemes: keys[index]
        polysemy = rule.polysemy or 1
        offset = self._split.first_label(class_type, polysemy) if rule.offset is None else rule.offset
        return lambda index, polysemes: np.asarray(index * polysemy + offset + np.asarray(polysemes), dtype=np.int64)

    def _finish(self, kind: Random | NoSupport, randomly_generate_rare: bool) -> Callable[[Ints], Sequence]:
        """From indices in their final order to a sequence."""
        classes = self._split.classes(kind.class_type)
        labels_of = self._labels_of(kind.class_type, kind.labeling)
        polysemy = parse_labeling(kind.labeling).polysemy
        is_rare = _marks(kind.class_type, kind.seq_len)

        def finish(index: Ints) -> Sequence:
            drawn = self.examples.draw(classes[index], randomly_generate_rare)
            polysemes = 0 if polysemy is None else self._python.choices(range(polysemy), k=kind.seq_len)
            return Sequence(drawn, labels_of(index, polysemes), is_rare)

        return finish


def _marks(class_type: str, n: int) -> npt.NDArray[np.int32]:
    return np.full(n, class_type == "rare", dtype=np.int32)


def _below(stream: random.Random, n: int) -> int:
    """What `stream.choice(range(n))` is, in a third of the time."""
    n_bits = n.bit_length()
    drawn = stream.getrandbits(n_bits)
    while drawn >= n:
        drawn = stream.getrandbits(n_bits)
    return drawn
