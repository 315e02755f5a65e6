"""A class split that suits a source and a kind of sequence."""

from __future__ import annotations

from typing import Any

from icl_data._sequences.feasibility import classes_needed
from icl_data._sequences.kinds import SequenceKind
from icl_data._sequences.split import ClassSplit
from icl_data._sources.source import Source

# As many common and holdout classes as in the experiments of Chan et al. (2022), and how many others there must be.
_COMMON_OR_HOLDOUT, _CLASSES_EACH = 10, 5


def default_split(source: Source, kind: SequenceKind, *, distinct: bool, **given: Any) -> ClassSplit:
    """A split of all classes: 10 holdout and 10 common ones, a fifth of the classes each if there are fewer than 50.

    Args:
        source: source of the classes.
        kind: kind of sequence, whose needs come first.
        distinct: few-shot classes and no-support contexts never repeat a class (protocol "paper").
        given: arguments of `ClassSplit`, which come before all that.

    Raises:
        ValueError: what is given does not fit.
    """
    needed = dict.fromkeys(("rare", "common", "zipfian", "holdout"), 0)
    for class_type, count, _ in classes_needed(kind, distinct=distinct):
        needed[class_type] = max(needed[class_type], count)
    sizes: dict[str, int] = {name: given.pop(name) for name in ("n_holdout", "n_common", "n_rare") if name in given}
    rare, common = (0 if f"n_{name}" in sizes else needed[name] for name in ("rare", "common"))
    trained = max(needed["zipfian"] - sizes.get("n_rare", 0) - sizes.get("n_common", 0), rare + common)
    for name, others in (("n_holdout", trained), ("n_common", rare)):
        if name not in sizes:
            room = max(source.n_classes - sum(sizes.values()), 0)
            usual = min(_COMMON_OR_HOLDOUT, source.n_classes // _CLASSES_EACH, room - others)
            sizes[name] = min(max(usual, needed[name.removeprefix("n_")]), room)
    sizes.setdefault("n_rare", max(source.n_classes - sum(sizes.values()), 0))
    return ClassSplit(source.class_keys, **{**sizes, **given})
