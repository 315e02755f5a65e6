"""Whole batches at once: the same distributions as the exact stream, tens of times faster."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from icl_data._sampling.recipe import EXEMPLAR
from icl_data._sampling.recipe_book import RecipeBook
from icl_data._sequences.batch import SequenceBatch
from icl_data._sequences.feasibility import check_exemplars, check_feasible
from icl_data._sequences.kinds import Bursty, SequenceKind
from icl_data._sequences.split import ClassSplit
from icl_data._sources.counts import check_at_least, check_integers
from icl_data._sources.gaussian import check_draws_new_classes
from icl_data._sources.source import Source

PROTOCOLS = ("paper", "released")
# Sequences are drawn in blocks of this size, enough to make NumPy's overhead per call small.
_BLOCK = 1024


class BatchSampler:
    """Batches of sequences as a pure function of the seed, the stream's name and the step.

    There is no state to save: a resumed run, another worker or another GPU asks for the step it needs. Sequence number
    n of a stream is the same whatever the batch size; batch `step` holds sequences step * batch_size onwards. Only new
    classes are of a batch: there are as many as it has sequences.

    Args:
        source_or_n_exemplars: a source, or just its number of exemplars per class.
        split: class split.
        kind: what to draw: `Bursty`, `NoSupport`, `LabelElsewhere`, `Random`, `Fewshot` or `Mixed`.
        batch_size: sequences per batch.
        seed: seed of the stream, not negative.
        stream: name of the stream; streams with different names are independent.
        protocol: "paper": few-shot classes are distinct, no-support contexts repeat no class, a polysemous class has
            labels of its own, one of which holds for a sequence, and no exemplar occurs twice in a sequence.
            "released": as the released code of Chan et al. (2022) draws, which `SeqGenerator` follows.
        n_labels: labels shared by classes instead of labels "ordered": the class at position i of rare, common and
            holdout classes has label i % n_labels (Reddy 2023). Also the range of "novel" labels. New classes
            (`Bursty(p_new)`) and bursts of distinct labels need it.
        exemplars: exemplar positions to draw from, None for all; ranges that do not meet keep exemplars of trained
            classes for the evaluation.

    Attributes:
        num_labels: one more than the largest label that can be drawn.
        n_exemplars: how many exemplars per class there are to draw from.

    Raises:
        ValueError: an unknown protocol, too few classes or exemplars, exemplars that the source does not have, n_labels
            together with labels of another sort or left out where they are needed, a source that cannot draw new
            classes, labels beyond 32 bits, or label noise without a second label.
    """

    def __init__(
        self,
        source_or_n_exemplars: Source | int,
        split: ClassSplit,
        kind: SequenceKind,
        *,
        batch_size: int,
        seed: int,
        stream: str = "train",
        protocol: Literal["paper", "released"] = "paper",
        n_labels: int | None = None,
        exemplars: range | None = None,
    ) -> None:
        check_protocol(protocol)
        check_integers(batch_size=batch_size, seed=seed, n_labels=1 if n_labels is None else n_labels)
        if batch_size < 1 or seed < 0:
            raise ValueError(f"batch_size must be >= 1 and seed >= 0, got batch_size={batch_size}, seed={seed}")
        if n_labels is not None and n_labels < 1:
            raise ValueError(f"n_labels must be at least 1, got {n_labels}")
        self.split, self.kind, self.batch_size = split, kind, int(batch_size)
        self.seed, self.stream, self.protocol, self.n_labels = seed, stream, protocol, n_labels
        n_of_source = _n_exemplars(source_or_n_exemplars, split)
        self.exemplars = _exemplars(exemplars, n_of_source)
        self.n_exemplars = len(self.exemplars)
        check_feasible(kind, split, distinct=protocol == "paper")
        check_exemplars(kind, self.n_exemplars, of=n_of_source)
        check_shared_labels(kind, n_labels)
        if isinstance(kind, Bursty) and kind.p_new and not isinstance(source_or_n_exemplars, (int, np.integer)):
            check_draws_new_classes(source_or_n_exemplars)
        book = RecipeBook(
            split=split,
            n_exemplars=self.n_exemplars,
            paper=protocol == "paper",
            n_labels=n_labels,
            n_new=self.batch_size,
        )
        self._mixture = book.mixture(kind)
        digest = hashlib.blake2b(f"icl-data/{seed}/{stream}".encode(), digest_size=16).digest()
        self._key = np.frombuffer(digest, dtype="<u8")
        self._last: tuple[int, npt.NDArray[np.int32]] | None = None
        self.num_labels = int(self._mixture.labels[-1]) + 1

    def __call__(self, step: int) -> SequenceBatch:
        """Batch number `step`, from 0.

        Raises:
            ValueError: step is negative or no integer.
        """
        check_integers(step=step)
        if step < 0:
            raise ValueError(f"step must be >= 0, got {step}")
        step = int(step)  # NumPy's small integers would overflow below
        start, stop = step * self.batch_size, (step + 1) * self.batch_size
        pieces = []
        for number in range(start // _BLOCK, (stop - 1) // _BLOCK + 1):
            first = number * _BLOCK
            pieces.append(self._block(number)[:, max(start - first, 0) : stop - first])
        # Copied, so that nothing done to a batch can reach the block it came from.
        fields = pieces[0].copy() if len(pieces) == 1 else np.concatenate(pieces, axis=1)
        return SequenceBatch(*fields)

    def _block(self, number: int) -> npt.NDArray[np.int32]:
        """(4, _BLOCK, L) sequences number * _BLOCK onwards; the last block is kept because steps mostly follow."""
        last = self._last  # looked at once, as another thread may replace it
        if last is not None and last[0] == number:
            return last[1]
        generator = np.random.Generator(np.random.Philox(key=self._key, counter=[0, 0, number, 0]))
        block = self._mixture.draw(generator, _BLOCK)
        if self.exemplars != range(self.n_exemplars):
            block[EXEMPLAR] *= self.exemplars.step
            block[EXEMPLAR] += self.exemplars.start
        self._last = (number, block)
        return block


def check_shared_labels(kind: SequenceKind, n_labels: int | None) -> None:
    for name in ("p_new", "distinct_labels"):
        if getattr(kind, name, False) and n_labels is None:
            raise ValueError(f"{name} needs n_labels, the labels that classes share, got None")


def check_protocol(protocol: str) -> None:
    """Raise ValueError unless `protocol` is the name of one."""
    if protocol not in PROTOCOLS:
        raise ValueError(f"protocol must be one of {', '.join(PROTOCOLS)}, got {protocol!r}")


def _n_exemplars(source_or_n_exemplars: Any, split: ClassSplit) -> int:
    n_exemplars = getattr(source_or_n_exemplars, "n_exemplars", source_or_n_exemplars)
    check_at_least(1, n_exemplars=n_exemplars)
    n_classes = getattr(source_or_n_exemplars, "n_classes", split.n_classes)
    if n_classes != split.n_classes:
        raise ValueError(f"the split must be one of the source's {n_classes} classes, got a split of {split.n_classes}")
    return int(n_exemplars)


def _exemplars(exemplars: range | None, n_exemplars: int) -> range:
    available = range(n_exemplars)
    if exemplars is None:
        return available
    if (
        not isinstance(exemplars, range)
        or not exemplars
        or exemplars[0] not in available
        or exemplars[-1] not in available
    ):
        raise ValueError(
            f"exemplars must be a range that is not empty, within range(0, {n_exemplars}), got {exemplars!r}"
        )
    return exemplars
