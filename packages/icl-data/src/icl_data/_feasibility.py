"""Whether a class split has the classes that a kind of sequence asks for."""

from __future__ import annotations

from icl_data._kinds import Bursty, Fewshot, Mixed, NoSupport, Random, SequenceKind
from icl_data._split import ClassSplit


def check_feasible(kind: SequenceKind, split: ClassSplit, *, distinct: bool) -> None:
    """Raise ValueError if `split` is too small for `kind`.

    Args:
        kind: kind of sequence.
        split: class split.
        distinct: few-shot classes and no-support contexts never repeat a class (protocol "paper").
    """
    for class_type, needed in classes_needed(kind, distinct=distinct):
        available = len(split.classes(class_type))
        if available < needed:
            raise ValueError(
                f"{type(kind).__name__} sequences of {kind.seq_len} need at least {needed} {class_type} classes, "
                f"got {available} (n_rare={split.n_rare}, n_common={split.n_common}, n_holdout={split.n_holdout})"
            )


def classes_needed(kind: SequenceKind, *, distinct: bool) -> list[tuple[str, int]]:
    """Class types that a kind draws from, each with how many classes it takes at least."""
    if isinstance(kind, Fewshot):
        return [(kind.class_type, kind.ways if distinct else 1)]
    if isinstance(kind, Random):
        return [(kind.class_type, kind.seq_len if kind.all_unique else 1)]
    if isinstance(kind, NoSupport):
        return [(kind.class_type, kind.seq_len if kind.all_unique or distinct else 2)]
    if isinstance(kind, Mixed):
        fewshot, random = kind.parts()
        needs = classes_needed(fewshot, distinct=distinct) if kind.p_fewshot > 0 else []
        return needs + (classes_needed(random, distinct=distinct) if kind.p_fewshot < 1 else [])
    assert isinstance(kind, Bursty)
    needs = [] if kind.p_bursty == 1 else classes_needed(non_bursty_part(kind), distinct=distinct)
    for branch in kind.branches():
        needs.append((branch.fewshot_type, kind.ways if distinct else 1))
        if kind.n_remainder:
            needs.append((branch.remainder_type, 1))
    return needs


def non_bursty_part(kind: Bursty, labeling: str | None = None) -> Random | NoSupport:
    """What the non-bursty sequences of a bursty kind are, with another labeling if one is given."""
    labeling = kind.labeling_common if labeling is None else labeling
    if kind.non_bursty_type == "common_no_support":
        return NoSupport(class_type="common", seq_len=kind.seq_len, labeling=labeling)
    class_type = "zipfian" if kind.non_bursty_type == "zipfian" else "common"
    return Random(class_type=class_type, seq_len=kind.seq_len, labeling=labeling, label_noise=kind.label_noise)
