"""The runs of figure 3a: a model per number of trained classes, and seed."""

from __future__ import annotations

from collections.abc import Sequence

from icl_models import Axis, Point
from icl_train._plans.plan import configurations
from icl_train.config import RunConfig

__all__ = ["figure3a", "of_those_given"]


def figure3a(base: RunConfig, *, class_counts: Sequence[int], seeds: Sequence[int]) -> list[RunConfig]:
    """One run per class count and seed (Chan et al. 2022, figure 3): all trained classes but the common ones are rare.

    Args:
        base: settings that the runs share.
        class_counts: numbers of trained classes.
        seeds: seeds of initial weights and data.

    Returns:
        The runs' settings, class count by class count.

    Raises:
        ValueError: if a class count leaves no rare class.
    """
    n_common = base.data.n_common_classes
    bad = [count for count in dict.fromkeys(class_counts) if count <= n_common]
    if bad:
        raise ValueError(
            f"class counts must be above data.n_common_classes ({n_common}), got {', '.join(map(str, bad))}; "
            + of_those_given(class_counts, bad)
        )
    points = tuple(
        Point(f"{count} classes", {"data.n_rare_classes": count - n_common}) for count in dict.fromkeys(class_counts)
    )
    return configurations(base, [Axis(name="classes", points=points)], seeds=seeds)


def of_those_given(counts: Sequence[int], bad: Sequence[int]) -> str:
    """Which of a sweep's class counts fit, in words."""
    good = [str(count) for count in dict.fromkeys(counts) if count not in set(bad)]
    return (
        f"of those given, {', '.join(good)} fit{'s' if len(good) == 1 else ''}" if good else "none of those given fits"
    )
