"""Whether what is to be varied can be: every mistake that shows before a single configuration is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from icl_models import Axis, Range
from icl_train._settings.identity import telling

__all__ = ["check_what_varies"]


def check_what_varies(
    axes: Sequence[Axis],
    ranges: Sequence[Range],
    fixed: Mapping[str, Any],
    *,
    seeds: Sequence[int] | None,
    draws: int,
    zipped: bool,
) -> None:
    """Whether these settings can be varied together.

    Args:
        axes, ranges: what is varied, settings by dotted name.
        fixed: settings that all runs are to have.
        seeds: of initial weights and data.
        draws: how often is drawn from the ranges.
        zipped: whether the axes are paired point by point.

    Raises:
        ValueError: if nothing is varied, one thing twice, or in two ways that exclude each other.
    """
    empty = [axis.name for axis in axes if not axis.points]
    if empty:
        raise ValueError(f"{empty[0]} must have at least one value to be varied, got none")
    names = [*(name for axis in axes for name in axis.settings), *(one.setting for one in ranges)]
    if not names and seeds is None:
        raise ValueError("a sweep needs something to vary, got nothing: a setting, a range of one, or seeds")
    if seeds is not None and not seeds:
        raise ValueError("a sweep needs at least one seed, got none")
    _check_names(names, fixed, seeds)
    if not zipped:
        _check_identity(axes, ranges)
    elif len({len(axis.points) for axis in axes}) > 1:
        told = ", ".join(f"{axis.name} {len(axis.points)}" for axis in axes)
        raise ValueError(f"settings that are paired must have equally many values, got {told}")
    if draws < 0:
        raise ValueError(f"draws must be at least 0, got {draws}")
    if ranges and not draws:
        raise ValueError(f"{ranges[0].setting} has a range to draw from: say how often, at least 1, got 0")
    if draws and not ranges:
        raise ValueError(f"{draws} draws need at least one range, or choices, to draw from, got none")


def _check_names(names: Sequence[str], fixed: Mapping[str, Any], seeds: Sequence[int] | None) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ValueError(f"{twice[0]} is varied twice: give all of its values at once")
    both = [name for name in names if name in fixed]
    if both:
        raise ValueError(f"{both[0]} is varied, and cannot be set to {fixed[both[0]]} for all runs as well")
    for name in ("seeds.init", "seeds.data"):
        if seeds is not None and (name in names or name in fixed):
            raise ValueError(f"{name} is set by the seeds of the runs, and cannot be given beside them")


def _check_identity(axes: Sequence[Axis], ranges: Sequence[Range]) -> None:
    for settings in [*(axis.settings for axis in axes), *((one.setting,) for one in ranges)]:
        if not telling(dict.fromkeys(settings, "")):
            raise ValueError(
                f"{settings[0]} decides where a run is computed or how it is written down, not its numbers: "
                "runs that differ in it alone are one and the same, so it cannot be varied"
            )
