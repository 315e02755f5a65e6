"""Whether a class split and the exemplars of its classes suffice for a kind of sequence."""

from __future__ import annotations

from typing import NamedTuple, TypeGuard

from icl_data._sequences.kinds import Bursty, Fewshot, LabelElsewhere, Mixed, NoSupport, Random, SequenceKind
from icl_data._sequences.label_rule import LabelRule
from icl_data._sequences.split import ClassSplit


class Need(NamedTuple):
    """How many classes of a type must be there, and how they are labelled."""

    class_type: str
    n_classes: int
    labeling: str


def check_feasible(kind: SequenceKind, split: ClassSplit, *, distinct: bool) -> None:
    """Raise ValueError if `split` is too small for `kind`, or its labels are too large.

    Args:
        kind: kind of sequence.
        split: class split.
        distinct: few-shot classes and no-support contexts never repeat a class (protocol "paper").
    """
    for class_type, needed, labeling in classes_needed(kind, distinct=distinct):
        available = len(split.classes(class_type))
        if available < needed:
            raise ValueError(
                f"{type(kind).__name__} sequences of {kind.seq_len} need at least {needed} {class_type} classes, "
                f"got {available} (n_rare={split.n_rare}, n_common={split.n_common}, n_holdout={split.n_holdout})"
            )
        LabelRule(split, class_type, labeling)


def classes_needed(kind: SequenceKind, *, distinct: bool) -> list[Need]:
    """The class types that a kind draws from, one entry for each part and labeling of its sequences."""
    if isinstance(kind, Fewshot):
        return [Need(kind.class_type, kind.ways if distinct else 1, kind.labeling)]
    if isinstance(kind, LabelElsewhere):
        return [Need(kind.class_type, kind.ways + 1, kind.labeling)]
    if isinstance(kind, Random):
        return [Need(kind.class_type, kind.seq_len if kind.all_unique else 1, kind.labeling)]
    if isinstance(kind, NoSupport):
        return [Need(kind.class_type, kind.seq_len if kind.all_unique or distinct else 2, kind.labeling)]
    if isinstance(kind, Mixed):
        fewshot, random = kind.parts()
        needs = classes_needed(fewshot, distinct=distinct) if kind.p_fewshot > 0 else []
        return needs + (classes_needed(random, distinct=distinct) if kind.p_fewshot < 1 else [])
    assert isinstance(kind, Bursty)
    if kind.p_new == 1:
        return []
    needs = [] if kind.p_bursty == 1 else classes_needed(non_bursty_part(kind), distinct=distinct)
    for branch in kind.branches():
        needs.append(Need(branch.fewshot_type, kind.ways if distinct else 1, branch.fewshot_labeling))
        if kind.n_remainder:
            needs.append(Need(branch.remainder_type, 1, branch.remainder_labeling))
    return needs


def _has_bursts(kind: SequenceKind) -> TypeGuard[Bursty | Fewshot | Mixed]:
    if isinstance(kind, Bursty):
        return kind.p_bursty > 0 or kind.p_new > 0
    return isinstance(kind, Fewshot) or (isinstance(kind, Mixed) and kind.p_fewshot > 0)


def check_exemplars(kind: SequenceKind, n_exemplars: int, *, of: int | None = None) -> None:
    """Raise ValueError if bursts never have enough exemplars of a class; a single one may be shown again and again.

    Args:
        kind: kind of sequence.
        n_exemplars: exemplars to draw from.
        of: how many the source has; None for no more. One of several is copied by being shown again, while a source
            with one alone may vary by noise, which nothing copies.
    """
    if isinstance(kind, LabelElsewhere) and 1 < n_exemplars < kind.shots:
        raise ValueError(
            f"shots appearances of a class need as many exemplars, got shots={kind.shots} and n_exemplars={n_exemplars}"
        )
    if not _has_bursts(kind):
        return
    if not isinstance(kind, Mixed) and kind.query_exemplar == "copy":
        single = n_exemplars == 1 and of is not None and of > 1
        if n_exemplars < max(2, kind.shots) and not single:
            raise ValueError(
                "query_exemplar 'copy' needs as many exemplars as shots, and at least 2 for a choice, "
                f"got shots={kind.shots} and n_exemplars={n_exemplars}"
            )
    elif 1 < n_exemplars < kind.shots + 1:
        raise ValueError(
            f"shots + 1 appearances of a class need as many exemplars, got shots={kind.shots} and "
            f"n_exemplars={n_exemplars}"
        )


def non_bursty_part(kind: Bursty, labeling: str | None = None) -> Random | NoSupport:
    """What the non-bursty sequences of a bursty kind are, with another labeling if one is given."""
    labeling = kind.labeling_common if labeling is None else labeling
    if kind.non_bursty_type == "common_no_support":
        return NoSupport(class_type="common", seq_len=kind.seq_len, labeling=labeling)
    class_type = "zipfian" if kind.non_bursty_type == "zipfian" else "common"
    return Random(class_type=class_type, seq_len=kind.seq_len, labeling=labeling, label_noise=kind.label_noise)
