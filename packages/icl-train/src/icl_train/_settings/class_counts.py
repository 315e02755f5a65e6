"""Numbers of rare, common and holdout classes that fit a source."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ClassCounts", "counts_for", "refuse_counts"]

_COMMON = 10


class ClassCounts(NamedTuple):
    """Classes of each type."""

    rare: int
    common: int
    holdout: int


def counts_for(n_classes: int, *, ways: int) -> ClassCounts:
    """All classes of a source: a tenth holdout, at least ``ways``; of the others at most 10 common, the rest rare."""
    holdout = min(max(ways, round(n_classes / 10)), n_classes)
    common = min(_COMMON, (n_classes - holdout) // 2)
    return ClassCounts(rare=n_classes - holdout - common, common=common, holdout=holdout)


def refuse_counts(counts: ClassCounts, n_classes: int, *, ways: int) -> None:
    """Raise ValueError, with counts that would do, if there are fewer classes than are asked for."""
    total = sum(counts)
    if total <= n_classes:
        return
    message = (
        "data.n_rare_classes + n_common_classes + n_holdout_classes must be at most the source's "
        f"{n_classes} classes, got {counts.rare} + {counts.common} + {counts.holdout} = {total}"
    )
    fewer = counts._replace(rare=n_classes - counts.common - counts.holdout)
    fitting = fewer if fewer.rare >= max(fewer.common, 1) else counts_for(n_classes, ways=ways)
    if n_classes > ways:
        message += (
            f" (for instance --data.n-rare-classes {fitting.rare} --data.n-common-classes {fitting.common} "
            f"--data.n-holdout-classes {fitting.holdout})"
        )
    raise ValueError(message)
