"""The exact stream: one sequence at a time, drawn as the released code of Chan et al. (2022) draws it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np

from icl_data._released.draws import Draw, ReleasedDraws
from icl_data._sequences.feasibility import check_exemplars, check_feasible
from icl_data._sequences.kinds import Bursty, Fewshot, Mixed, NoSupport, Random, SequenceKind
from icl_data._sequences.labeling import parse_labeling
from icl_data._sequences.record import Record
from icl_data._sequences.split import ClassSplit
from icl_data._sources.counts import check_integers
from icl_data._sources.source import Source

Kind = TypeVar("Kind", bound=SequenceKind)


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
        self._draws = ReleasedDraws(source, self.split, noise_scale, seed)

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
        return self._iterate(kind, randomly_generate_rare, self._draws.bursty)

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
        return self._iterate(kind, randomly_generate_rare, self._draws.no_support)

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
        return self._iterate(kind, randomly_generate_rare, self._draws.random)

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
            ValueError: as `Fewshot`, or labeling "novel" or "heldout", which `BatchSampler` alone draws.
        """
        if labeling in ("novel", "heldout"):
            raise ValueError(f"labeling {labeling!r} is drawn by BatchSampler only; choose another or use BatchSampler")
        kind = Fewshot(class_type=class_type, shots=shots, ways=ways, labeling=labeling, grouped=grouped)
        return self._iterate(kind, randomly_generate_rare, self._draws.fewshot)

    def get_mixed_seq(self, shots: int = 4, ways: int = 2, p_fewshot: float = 0.5) -> Iterator[Record]:
        """Few-shot sequences of rare classes mixed with random ones of common classes, see `Mixed`."""
        kind = Mixed(shots=shots, ways=ways, p_fewshot=p_fewshot)
        return self._iterate(kind, False, lambda kind, _: self._draws.mixed(kind))

    def _iterate(
        self, kind: Kind, randomly_generate_rare: bool, make: Callable[[Kind, bool], Draw]
    ) -> Iterator[Record]:
        check_feasible(kind, self.split, distinct=False)
        check_exemplars(kind, self.source.n_exemplars)
        if randomly_generate_rare:
            self._draws.examples.check_random_rare()
        return self._records(make(kind, randomly_generate_rare), randomly_generate_rare)

    def _records(self, draw: Draw, randomly_generate_rare: bool) -> Iterator[Record]:
        look_up = self._draws.examples.look_up
        while True:
            drawn, label, is_rare = draw()
            yield {
                "example": look_up(drawn, randomly_generate_rare),
                "label": label.astype(np.int32),
                "is_rare": is_rare.copy(),
            }


def _released_labelings(kind: Bursty, n_rare: int) -> Bursty:
    """Spell out the label ranges that a polysemous labeling_rare without a shift stands for."""
    rule = parse_labeling(kind.labeling_rare)
    if rule.polysemy is None or rule.offset is not None:
        return kind
    values = {name: getattr(kind, name) for name in kind.__dataclass_fields__}
    values["labeling_common"] = f"ordered{n_rare * rule.polysemy}"
    values["labeling_rare"] = f"ordered0_polysemy{rule.polysemy}"
    return Bursty(**values)
