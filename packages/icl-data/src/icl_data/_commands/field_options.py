"""Options made from the fields of the kinds of sequence and of the class split."""

from __future__ import annotations

import argparse
import typing
from dataclasses import fields
from typing import Any

from icl_data._sequences.kinds import Bursty, Fewshot, LabelElsewhere, Mixed, NoSupport, Random, SequenceKind
from icl_data._sequences.split import ClassSplit
from icl_data.foundation.command_line import listed, nearest

SEQUENCE_TYPES: dict[str, type[SequenceKind]] = {
    "bursty": Bursty,
    "no_support": NoSupport,
    "label_elsewhere": LabelElsewhere,
    "random": Random,
    "fewshot": Fewshot,
    "mixed": Mixed,
}
_METAVARS = {int: "N", float: "X", str: "NAME"}
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
    "p_new": "share of sequences whose classes are new",
    "distinct_labels": "no label twice among the burst classes",
    "heldout_label_sets": "sets of labels kept from novel ones for labeling heldout",
    "p_fewshot": "share of few-shot sequences",
    "n_rare": "rare classes (default: all that are left)",
    "n_common": "common classes (default: 10, fewer in a small source)",
    "n_holdout": "holdout classes (default: 10, fewer in a small source)",
    "zipf_exponent": "skew of the class frequencies, 0 for none (default 0)",
    "use_zipf_for_common_rare": "the skew within rare and within common classes, too",
    "preserve_ordering_every_n": "keep such blocks of classes on one side of the split",
    "seed": "seed of the split (default 1337)",
}


def add_kind_options(parser: argparse.ArgumentParser) -> None:
    """Add TYPE, and the fields of all types."""
    parser.add_argument("type", nargs="?", default="bursty", metavar="TYPE", help=listed([*SEQUENCE_TYPES]))
    group = parser.add_argument_group("sequences, with the types that have the option and their defaults")
    for name in dict.fromkeys(field.name for kind in SEQUENCE_TYPES.values() for field in fields(kind)):
        hint, defaults = _field(name)
        _add_field(group, f"kind.{name}", flag(name), hint, f"{_MEANINGS[name]} ({defaults})")


def add_split_options(parser: argparse.ArgumentParser) -> None:
    """Add the fields of `ClassSplit`."""
    group = parser.add_argument_group("classes")
    hints = typing.get_type_hints(ClassSplit)
    for name in split_fields():
        name_on_line = "--split-seed" if name == "seed" else flag(name)
        _add_field(group, f"split.{name}", name_on_line, hints[name], _MEANINGS[name])


def kind_from(options: argparse.Namespace) -> SequenceKind:
    """The kind of sequence that the options describe.

    Raises:
        ValueError: an unknown type, an option that it does not have, or a value that it refuses.
    """
    name = options.type.replace("-", "_")
    if name not in SEQUENCE_TYPES:
        types = listed([*SEQUENCE_TYPES])
        raise ValueError(f"TYPE must be one of {types}, got {options.type!r}{nearest(name, SEQUENCE_TYPES)}")
    given = _given(options, "kind.")
    valid = [field.name for field in fields(SEQUENCE_TYPES[name])]
    for option in given:
        if option not in valid:
            raise ValueError(
                f"{flag(option)} must be left out with {name} sequences, which have {listed([*map(flag, valid)])}"
            )
    return SEQUENCE_TYPES[name](**given)


def split_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments of `ClassSplit` that were given."""
    return _given(options, "split.")


def split_fields() -> list[str]:
    """Names of the arguments of `ClassSplit`, but for the classes."""
    return [field.name for field in fields(ClassSplit) if field.init]


def flag(name: str) -> str:
    """The option for a name."""
    return f"--{name.replace('_', '-')}"


def _given(options: argparse.Namespace, prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in vars(options).items() if name.startswith(prefix)}


def _field(name: str) -> tuple[Any, str]:
    """Type of a field of the kinds, and its defaults by kind."""
    having: dict[Any, list[str]] = {}
    hint: Any = None
    for type_name, kind in SEQUENCE_TYPES.items():
        if name in kind.__dataclass_fields__:
            hint = typing.get_type_hints(kind)[name]
            having.setdefault(kind.__dataclass_fields__[name].default, []).append(type_name)
    defaults = (", ".join(types) + ("" if hint is bool else f" {default}") for default, types in having.items())
    return hint, "; ".join(defaults)


def _add_field(group: Any, dest: str, name: str, hint: Any, meaning: str) -> None:
    if hint is bool:
        group.add_argument(name, dest=dest, action="store_true", default=argparse.SUPPRESS, help=meaning)
        return
    of = next((one for one in typing.get_args(hint) if one is not type(None)), hint)
    group.add_argument(name, dest=dest, type=of, metavar=_METAVARS[of], default=argparse.SUPPRESS, help=meaning)
