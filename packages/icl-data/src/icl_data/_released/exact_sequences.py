"""The exact stream as indices: which class and exemplar each position of a released sequence shows."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from icl_data._released.generator import SeqGenerator
from icl_data._sequences.batch import SequenceBatch
from icl_data._sequences.kinds import Bursty, Fewshot, Mixed, NoSupport, Random, SequenceKind
from icl_data._sequences.record import Record
from icl_data._sequences.split import ClassSplit
from icl_data._sources.source import Kind, Source

_METHODS: dict[type[SequenceKind], Callable[..., Iterator[Record]]] = {
    Bursty: SeqGenerator.get_bursty_seq,
    NoSupport: SeqGenerator.get_no_support_seq,
    Random: SeqGenerator.get_random_seq,
    Fewshot: SeqGenerator.get_fewshot_seq,
    Mixed: SeqGenerator.get_mixed_seq,
}


def exact_records(source: Source, split: ClassSplit, kind: SequenceKind, *, seed: int) -> Iterator[Record]:
    """Sequences of `SeqGenerator` without added noise, see there.

    Raises:
        ValueError: a setting that `BatchSampler` alone draws, or that the generator refuses.
    """
    method = _METHODS.get(type(kind))
    if method is None:
        known = ", ".join(known.__name__ for known in _METHODS)
        raise ValueError(f"the kind must be one of {known} in the exact stream, got {type(kind).__name__}")
    arguments = {name: getattr(kind, name) for name in kind.__dataclass_fields__}
    for name in arguments.keys() - inspect.signature(method).parameters.keys():
        default = kind.__dataclass_fields__[name].default
        if arguments.pop(name) != default:
            raise ValueError(f"{name} must be {default!r} in the exact stream, got {getattr(kind, name)!r}")
    generator = SeqGenerator(
        source,
        split.n_rare,
        split.n_common,
        split.n_holdout,
        split.zipf_exponent,
        split.use_zipf_for_common_rare,
        noise_scale=0.0,
        preserve_ordering_every_n=split.preserve_ordering_every_n,
        random_seed=split.seed,
        seed=seed,
    )
    return method(generator, **arguments)


def exact_batches(source: Source, split: ClassSplit, kind: SequenceKind, *, seed: int) -> Iterator[SequenceBatch]:
    """The same sequences as indices, each as a batch of one.

    Raises:
        ValueError: as `exact_records`.
    """
    return map(partial(_batch, source.n_exemplars), exact_records(_Indices(source), split, kind, seed=seed))


def _batch(n_exemplars: int, record: Record) -> SequenceBatch:
    which = np.divmod(record["example"], n_exemplars)
    return SequenceBatch(*(values[None] for values in (*which, record["label"], record["is_rare"])))


class _Indices:
    """Shows the number of an exemplar among all of a source's in its place, and uses up as many random numbers."""

    kind: Kind = "id"

    def __init__(self, source: Source) -> None:
        self.n_classes, self.n_exemplars = source.n_classes, source.n_exemplars
        self.example_shape, self.noise_scale = source.example_shape, source.noise_scale
        self.class_keys = source.class_keys

    def gather(
        self, class_index: npt.ArrayLike, exemplar_index: npt.ArrayLike, noise: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[np.int32]:
        """Class position times exemplars per class plus exemplar position, int32."""
        return np.asarray(np.asarray(class_index) * self.n_exemplars + exemplar_index, dtype=np.int32)
