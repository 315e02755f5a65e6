"""The options that `show` and `stats` share, and the sequences that they ask for."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from icl_data._banks.index_bounds import holds_new_classes
from icl_data._commands.field_options import (
    SEQUENCE_TYPES,
    add_kind_options,
    add_split_options,
    flag,
    kind_from,
    split_arguments,
    split_fields,
)
from icl_data._commands.source import add_source_options, source_from
from icl_data._released.exact_sequences import exact_batches, exact_records
from icl_data._sampling.sampler import PROTOCOLS, BatchSampler
from icl_data._sequences.batch import SequenceBatch
from icl_data._sequences.default_split import default_split
from icl_data._sequences.kinds import SequenceKind
from icl_data._sequences.split import ClassSplit
from icl_data._sources.gaussian import GaussianSource, draws_new_classes
from icl_data._sources.source import Source

_BATCH = 8192
_BATCH_SAMPLER_ONLY = ("protocol", "n_labels", "exemplars")


@dataclass(frozen=True, kw_only=True, eq=False)
class Sequences:
    """Sequences number first..first+n-1 of one stream.

    Attributes:
        source, split, kind: what they are of.
        seed: seed of the stream.
        protocol: protocol that they follow.
        sampler: what draws them; None for the exact stream.
        first, n: which sequences.
    """

    source: Source
    split: ClassSplit
    kind: SequenceKind
    seed: int
    protocol: Literal["paper", "released"]
    sampler: BatchSampler | None
    first: int
    n: int

    @property
    def type_name(self) -> str:
        """Name of the type of sequence."""
        return next(name for name, kind in SEQUENCE_TYPES.items() if isinstance(self.kind, kind))

    def batches(self) -> Iterator[SequenceBatch]:
        """The sequences, some at a time."""
        stop = self.first + self.n
        if self.sampler is None:
            exact = islice(exact_batches(self.source, self.split, self.kind, seed=self.seed), self.first, stop)
            while some := list(islice(exact, _BATCH)):
                yield _joined(some)
            return
        for number in range(self.first // _BATCH, (stop - 1) // _BATCH + 1):
            start = number * _BATCH
            yield self.sampler(number)[max(self.first - start, 0) : stop - start]

    def with_examples(self) -> tuple[SequenceBatch, npt.NDArray[Any]]:
        """All the sequences, and their examples (n, L, *example_shape).

        The noise of a source that has some is drawn from the stream's seed and the first sequence's number, and new
        classes from the seed and the batch's.
        """
        batch = _joined(list(self.batches()))
        if self.sampler is None:
            records = exact_records(self.source, self.split, self.kind, seed=self.seed)
            shown = islice(records, self.first, self.first + self.n)
            return batch, np.stack([record["example"] for record in shown])
        rng, shape = np.random.default_rng([self.seed, self.first]), (*batch.label.shape, *self.source.example_shape)
        noise = rng.standard_normal(shape) if self.source.noise_scale else None
        source = self.source
        if draws_new_classes(source) and holds_new_classes(batch.class_index, source.n_classes):
            place, new = self._new_classes(batch, source)
            return batch, source.gather(place, batch.exemplar_index, noise, new=new)
        return batch, source.gather(batch.class_index, batch.exemplar_index, noise)

    def _new_classes(
        self, batch: SequenceBatch, source: GaussianSource
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Positions of all classes among the source's and the new ones of as many batches, and the vectors of these."""
        number = (self.first + np.arange(len(batch))) // _BATCH
        first = number - number[0]
        batches = range(int(number[0]), int(number[-1]) + 1)
        dim = source.example_shape
        normal = [np.random.default_rng([self.seed, one]).standard_normal((_BATCH, *dim)) for one in batches]
        is_new = batch.class_index >= source.n_classes
        return batch.class_index + first[:, None] * _BATCH * is_new, source.new_means(np.concatenate(normal))

    def settings(self) -> dict[str, Any]:
        """What was asked for, by name."""
        sampler = self.sampler
        return {
            "type": self.type_name,
            "kind": {field.name: getattr(self.kind, field.name) for field in fields(self.kind)},
            "split": {name: getattr(self.split, name) for name in split_fields()},
            "source": str(self.source),
            "seed": self.seed,
            "first": self.first,
            "exact": sampler is None,
            "protocol": self.protocol,
            "n_labels": None if sampler is None else sampler.n_labels,
            "exemplars": None if sampler is None else [sampler.exemplars.start, sampler.exemplars.stop],
        }


def add_sequence_options(parser: argparse.ArgumentParser, *, n: int, most: int, examples: bool) -> None:
    """Add TYPE and all that says how sequences are drawn.

    Args:
        parser: where to add them.
        n: default number of sequences.
        most: largest number of them.
        examples: whether it matters what the examples look like.
    """
    add_kind_options(parser)
    drawing = parser.add_argument_group("drawing")
    add = drawing.add_argument
    add("--n", type=int, default=n, metavar="N", help=f"sequences (default {n}, at most {most})")
    add("--step", type=int, default=0, metavar="N", help="which batch of N sequences, from 0")
    add("--seed", type=int, default=0, metavar="N", help="seed of the stream (default 0)")
    add("--protocol", choices=PROTOCOLS, help="of BatchSampler (default paper)")
    add("--n-labels", type=int, metavar="N", help="labels shared by the classes")
    add("--exemplars", type=_exemplars, metavar="A:B", help="draw exemplars A to B-1 of each class only")
    add("--exact", action="store_true", help="draw with SeqGenerator, as the released code does")
    parser.set_defaults(most=most)
    add_split_options(parser)
    add_source_options(parser, examples=examples)


def sequences_from(options: argparse.Namespace) -> Sequences:
    """The sequences that the options ask for.

    Raises:
        ImportError: an extra is not installed.
        OSError, ValueError: something cannot be had.
    """
    if not 1 <= options.n <= options.most:
        raise ValueError(f"--n must be in 1..{options.most}, got {options.n}")
    if not 0 <= options.step < 2**31:
        raise ValueError(f"--step must be in 0..{2**31 - 1}, got {options.step}")
    if not 0 <= options.seed < 2**32:
        raise ValueError(f"--seed must be in 0..{2**32 - 1}, got {options.seed}")
    kind = kind_from(options)
    for option in _BATCH_SAMPLER_ONLY if options.exact else ():
        if getattr(options, option) is not None:
            raise ValueError(f"{flag(option)} must be left out with --exact, which SeqGenerator draws")
    protocol: Literal["paper", "released"] = "released" if options.exact else options.protocol or "paper"
    source = source_from(options)
    split = default_split(source, kind, distinct=protocol == "paper", **split_arguments(options))
    sampler = None
    if not options.exact:
        sampler = BatchSampler(
            source,
            split,
            kind,
            batch_size=_BATCH,
            seed=options.seed,
            protocol=protocol,
            n_labels=options.n_labels,
            exemplars=options.exemplars,
        )
    return Sequences(
        source=source,
        split=split,
        kind=kind,
        seed=options.seed,
        protocol=protocol,
        sampler=sampler,
        first=options.step * options.n,
        n=options.n,
    )


def _exemplars(text: str) -> range:
    start, colon, stop = text.partition(":")
    if not (colon and start.isdecimal() and stop.isdecimal()):
        raise argparse.ArgumentTypeError(f"must have the form A:B, got {text!r}")
    return range(int(start), int(stop))


def _joined(batches: Sequence[SequenceBatch]) -> SequenceBatch:
    return SequenceBatch(
        *(np.concatenate([getattr(batch, field.name) for batch in batches]) for field in fields(SequenceBatch))
    )
