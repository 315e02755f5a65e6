"""The options that `show` and `stats` share, and the sequences that they ask for.

Options for the kinds of sequence and for the class split are made from the fields of their dataclasses.
"""

from __future__ import annotations

import argparse
import typing
from collections.abc import Iterator
from dataclasses import Field, dataclass, fields
from itertools import islice
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from icl_data._batch import SequenceBatch
from icl_data._cli_parser import listed, nearest
from icl_data._cli_source import add_source_options, source_from
from icl_data._default_split import default_split
from icl_data._exact_sequences import exact_sequences
from icl_data._kinds import Bursty, Fewshot, Mixed, NoSupport, Random, SequenceKind
from icl_data._sampler import PROTOCOLS, BatchSampler
from icl_data._source import Source
from icl_data._split import ClassSplit

SEQUENCE_TYPES: dict[str, type[SequenceKind]] = {
    "bursty": Bursty,
    "no_support": NoSupport,
    "random": Random,
    "fewshot": Fewshot,
    "mixed": Mixed,
}
_METAVARS = {int: "N", float: "X", str: "NAME"}
_BATCH = 8192
_BATCH_SAMPLER_ONLY = ("protocol", "n_labels", "exemplars")

_MEANINGS = {
    "seq_len": "length of a sequence, query included",
    "shots": "appearances of a burst class in the context",
    "ways": "burst classes",
    "p_bursty": "share of bursty sequences",
    "p_bursty_common": "share of the bursty ones whose bursts are of common classes",
    "p_bursty_zipfian": "share of the bursty ones whose bursts are of any trained classes",
    "non_bursty_type": "zipfian, common_uniform or common_no_support",
    "labeling_common": "labels of common classes, and of non-bursty sequences",
    "labeling_rare": "labels of rare classes, and of bursty sequences of any trained ones",
    "grouped": "the context in rounds",
    "context_order": "shuffled, grouped, blocked, query_first or query_last",
    "query_exemplar": "new, or copy one of the context",
    "p_relabel": "share of the bursty ones with labels 0..ways-1",
    "label_noise": "share of context labels replaced",
    "class_type": "rare, common, zipfian or holdout",
    "all_unique": "no class twice in a sequence",
    "labeling": "labels: ordered, original, ...",
    "p_fewshot": "share of few-shot sequences",
    "n_rare": "rare classes (default: all that are left)",
    "n_common": "common classes (default: 10, fewer in a small source)",
    "n_holdout": "holdout classes (default: 10, fewer in a small source)",
    "zipf_exponent": "skew of the class frequencies, 0 for none (default 0)",
    "use_zipf_for_common_rare": "the skew within rare and within common classes, too",
    "preserve_ordering_every_n": "keep such blocks of classes on one side of the split",
    "seed": "seed of the split (default 1337)",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Sequences:
    """Sequences number first..first+n-1 of one stream.

    Attributes:
        name: type of sequence.
        source, split, kind: what they are of.
        seed: seed of the stream.
        protocol: protocol that they follow.
        sampler: what draws them; None for the exact stream.
        first, n: which sequences.
    """

    name: str
    source: Source
    split: ClassSplit
    kind: SequenceKind
    seed: int
    protocol: Literal["paper", "released"]
    sampler: BatchSampler | None
    first: int
    n: int

    def batches(self) -> Iterator[SequenceBatch]:
        """The sequences, some at a time."""
        if self.sampler is None:
            yield from (batch for batch, _ in self._exact())
            return
        stop = self.first + self.n
        for number in range(self.first // _BATCH, (stop - 1) // _BATCH + 1):
            start = number * _BATCH
            yield self.sampler(number)[max(self.first - start, 0) : stop - start]

    def with_examples(self) -> tuple[SequenceBatch, npt.NDArray[Any]]:
        """All the sequences, and their examples (n, L, *example_shape).

        The noise of a source that has some is drawn from the stream's seed and the first sequence's number.
        """
        if self.sampler is None:
            batches, examples = zip(*self._exact(), strict=True)
            return _joined(batches), np.concatenate(examples)
        batch = _joined(list(self.batches()))
        rng, shape = np.random.default_rng([self.seed, self.first]), (*batch.label.shape, *self.source.example_shape)
        noise = rng.standard_normal(shape) if self.source.noise_scale else None
        return batch, self.source.gather(batch.class_index, batch.exemplar_index, noise)

    def settings(self) -> dict[str, Any]:
        """What was asked for, by name."""
        split = {field.name: getattr(self.split, field.name) for field in fields(ClassSplit) if field.init}
        sampler = self.sampler
        return {
            "type": self.name,
            "kind": {field.name: getattr(self.kind, field.name) for field in fields(self.kind)},
            "split": split,
            "source": str(self.source),
            "seed": self.seed,
            "first": self.first,
            "exact": sampler is None,
            "protocol": self.protocol,
            "n_labels": None if sampler is None else sampler.n_labels,
            "exemplars": None if sampler is None else [sampler.exemplars.start, sampler.exemplars.stop],
        }

    def _exact(self) -> Iterator[tuple[SequenceBatch, npt.NDArray[Any]]]:
        stream = exact_sequences(self.source, self.split, self.kind, seed=self.seed)
        return islice(stream, self.first, self.first + self.n)


def add_sequence_options(parser: argparse.ArgumentParser, *, n: int, most: int, examples: bool) -> None:
    """Add TYPE and all that says how sequences are drawn.

    Args:
        parser: where to add them.
        n: default number of sequences.
        most: largest number of them.
        examples: whether it matters what the examples look like.
    """
    parser.add_argument("type", nargs="?", default="bursty", metavar="TYPE", help=f"{listed([*SEQUENCE_TYPES])}")
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
    types = parser.add_argument_group("sequences, with the types that have the option and their defaults")
    for name in dict.fromkeys(field.name for kind in SEQUENCE_TYPES.values() for field in fields(kind)):
        _add_field(types, f"kind.{name}", f"--{_dashed(name)}", *_field(name))
    split = parser.add_argument_group("classes")
    for field in fields(ClassSplit):
        if field.init:
            flag = "--split-seed" if field.name == "seed" else f"--{_dashed(field.name)}"
            _add_field(split, f"split.{field.name}", flag, typing.get_type_hints(ClassSplit)[field.name], "")
    add_source_options(parser, examples=examples)


def sequences_from(options: argparse.Namespace) -> Sequences:
    """The sequences that the options ask for.

    Raises:
        ImportError: an extra is not installed.
        OSError, ValueError: something cannot be had.
    """
    name = options.type.replace("-", "_")
    if name not in SEQUENCE_TYPES:
        types = listed([*SEQUENCE_TYPES])
        raise ValueError(f"TYPE must be one of {types}, got {options.type!r}{nearest(name, SEQUENCE_TYPES)}")
    if not 1 <= options.n <= options.most:
        raise ValueError(f"--n must be in 1..{options.most}, got {options.n}")
    if not 0 <= options.step < 2**31:
        raise ValueError(f"--step must be in 0..{2**31 - 1}, got {options.step}")
    if not 0 <= options.seed < 2**32:
        raise ValueError(f"--seed must be in 0..{2**32 - 1}, got {options.seed}")
    kind = _kind(name, _given(options, "kind."))
    for option in _BATCH_SAMPLER_ONLY if options.exact else ():
        if getattr(options, option) is not None:
            raise ValueError(f"--{_dashed(option)} must be left out with --exact, which SeqGenerator draws")
    protocol: Literal["paper", "released"] = "released" if options.exact else options.protocol or "paper"
    source = source_from(options)
    split = default_split(source, kind, distinct=protocol == "paper", **_given(options, "split."))
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
        name=name,
        source=source,
        split=split,
        kind=kind,
        seed=options.seed,
        protocol=protocol,
        sampler=sampler,
        first=options.step * options.n,
        n=options.n,
    )


def _kind(name: str, given: dict[str, Any]) -> SequenceKind:
    kind = SEQUENCE_TYPES[name]
    valid = [field.name for field in fields(kind)]
    for option in given:
        if option not in valid:
            raise ValueError(
                f"--{_dashed(option)} must be left out with {name} sequences, "
                f"which have {listed([f'--{_dashed(other)}' for other in valid])}"
            )
    return kind(**given)


def _given(options: argparse.Namespace, prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in vars(options).items() if name.startswith(prefix)}


def _field(name: str) -> tuple[Any, str]:
    """Type of a field of the kinds, and its defaults by kind."""
    having: dict[Any, list[str]] = {}
    hint: Any = None
    for kind_name, kind in SEQUENCE_TYPES.items():
        found: Field[Any] | None = kind.__dataclass_fields__.get(name)
        if found is not None:
            hint = typing.get_type_hints(kind)[name]
            having.setdefault(found.default, []).append(kind_name)
    defaults = (f"{', '.join(kinds)}{'' if hint is bool else f' {value}'}" for value, kinds in having.items())
    return hint, f" ({'; '.join(defaults)})"


def _add_field(group: Any, dest: str, flag: str, hint: Any, defaults: str) -> None:
    meaning = _MEANINGS[dest.partition(".")[2]] + defaults
    if hint is bool:
        group.add_argument(flag, dest=dest, action="store_true", default=argparse.SUPPRESS, help=meaning)
        return
    of = next((one for one in typing.get_args(hint) if one is not type(None)), hint)
    group.add_argument(
        flag, dest=dest, type=of, metavar=_METAVARS[of], default=argparse.SUPPRESS, help=meaning.replace("%", "%%")
    )


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _exemplars(text: str) -> range:
    start, colon, stop = text.partition(":")
    if not (colon and start.isdecimal() and stop.isdecimal()):
        raise argparse.ArgumentTypeError(f"must have the form A:B, got {text!r}")
    return range(int(start), int(stop))


def _joined(batches: typing.Sequence[SequenceBatch]) -> SequenceBatch:
    return SequenceBatch(
        *(np.concatenate([getattr(batch, field.name) for batch in batches]) for field in fields(SequenceBatch))
    )
