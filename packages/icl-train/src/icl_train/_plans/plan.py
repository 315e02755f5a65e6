"""The runs of a sweep as values: what is varied, around one configuration."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from icl_models import Axis, Point, Range
from icl_train._by_name.settings import dotted_name, settings_of, unknown_setting
from icl_train._options.table import Option
from icl_train._plans.called import Called, folder_names, screen_labels
from icl_train._plans.combined import SEEDS, Combination, Started, seed_words, words_of
from icl_train._plans.draws import check_range, drawn
from icl_train._plans.labels import labels, run_name
from icl_train._plans.varied import check_what_varies
from icl_train.config import RunConfig

__all__ = ["MOST_RUNS", "Plan", "configurations", "planned"]

MOST_RUNS = 10_000
"""Runs that one sweep may have: more are a slip of the keyboard."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The runs of a sweep.

    Attributes:
        configs: their configurations, no two of the same run.
        labels: what they are called on screen, all different: ``p_bursty 0.5, lstm, s0``.
        names: of their folders, all different: ``gaussian-p_bursty0.5-lstm-s0-1f3a9c04``.
        points: where each stands: axis → label of its point, and setting → what was drawn.
        size: how their number comes about: ``3 p_bursty x 2 sequence_model x 2 seeds``.
        repeated: labels of combinations that are the run of an earlier one, and were left out.
        by_class_count: whether complaints tell the runs apart by their class counts, as figure 3a does.
    """

    configs: tuple[RunConfig, ...]
    labels: tuple[str, ...]
    names: tuple[str, ...]
    points: tuple[Mapping[str, str], ...] = ()
    size: str = ""
    repeated: tuple[str, ...] = ()
    by_class_count: bool = False

    @classmethod
    def of(cls, configs: Sequence[RunConfig]) -> Plan:
        """Runs that are called by class count and seed, as those of figure 3a.

        Args:
            configs: their configurations.
        """
        return cls(
            configs=tuple(configs),
            labels=tuple(labels(configs)),
            names=tuple(map(run_name, configs)),
            by_class_count=True,
        )

    def label(self, config: RunConfig) -> str:
        """What one of its runs is called on screen.

        Args:
            config: its configuration.
        """
        return self._by_digest[config.digest()]

    @cached_property
    def _by_digest(self) -> dict[str, str]:
        return dict(zip((config.digest() for config in self.configs), self.labels, strict=True))


def configurations(
    base: RunConfig,
    axes: Sequence[Axis] = (),
    *,
    seeds: Sequence[int] | None = None,
    zipped: bool = False,
    ranges: Sequence[Range] = (),
    draws: int = 0,
    sample_seed: int = 0,
    fixed: Mapping[str, Any] | None = None,
) -> list[RunConfig]:
    """The configurations of a sweep's runs, which are those of its plan: the arguments mean the same, see `planned`.

    Args:
        base, axes, seeds, zipped, ranges, draws, sample_seed, fixed: see `planned`.

    Raises:
        ValueError: as there.
    """
    plan = planned(
        base,
        axes,
        seeds=seeds,
        zipped=zipped,
        ranges=ranges,
        draws=draws,
        sample_seed=sample_seed,
        fixed=fixed,
    )
    return list(plan.configs)


def planned(
    base: RunConfig,
    axes: Sequence[Axis] = (),
    *,
    seeds: Sequence[int] | None = None,
    zipped: bool = False,
    ranges: Sequence[Range] = (),
    draws: int = 0,
    sample_seed: int = 0,
    fixed: Mapping[str, Any] | None = None,
) -> Plan:
    """One run for each point of the axes' product, hyper-parameters drawn there, and seed.

    A point that names another source or component gets the defaults that come with it, as on the command line of
    ``icl-train run``; ``fixed`` settings then go on top again, those of a component where that component is.

    Args:
        base: settings that the runs share.
        axes: what is varied; the last one fastest. Settings by dotted name, values as text or of their type.
        seeds: seeds of initial weights and data, the fastest of all; None for those of ``base``.
        zipped: pair the axes point by point, in place of all combinations.
        ranges: hyper-parameters to draw.
        draws: how often; the same draws at every point.
        sample_seed: of the draws.
        fixed: settings of ``base`` that were asked for, which no default of a component may replace.

    Raises:
        ValueError: for an unknown setting, one that is varied twice or fixed and varied, an axis without points, axes
            of unequal length to be paired, ranges without draws, more than ``MOST_RUNS`` runs, or combinations that the
            configuration refuses: the first one, and how many there are.
    """
    asked = dict(fixed or {})
    axes, ranges = _spelt(settings_of(base), axes, ranges)
    check_what_varies(axes, ranges, asked, seeds=seeds, draws=draws, zipped=zipped)
    size = _size(axes, draws, seeds, zipped=zipped)
    started = Started(base, asked)
    known = started.known_settings(axes)
    for name in [*(name for axis in axes for name in axis.settings), *(one.setting for one in ranges)]:
        if name not in known:
            raise unknown_setting(name, known)
    combinations = [
        (*places, *values)
        for places in _places(axes, zipped=zipped)
        for values in _values(ranges, known, draws, sample_seed)
    ]
    by_axis = bool({name for axis in axes for name in axis.settings} & set(SEEDS))
    runs: dict[str, Called] = {}
    points: dict[str, dict[str, str]] = {}
    again: list[Called] = []
    for config, combination in zip(started.configs(combinations), combinations, strict=True):
        words = words_of(config, combination)
        for seed in (None,) if seeds is None else dict.fromkeys(seeds):
            one = config if seed is None else replace(config, seeds=replace(config.seeds, init=seed, data=seed))
            run = Called(one, words, "" if by_axis else seed_words(one))
            points.setdefault(one.digest(), {axis: point.label for axis, point in combination})
            if runs.setdefault(one.digest(), run) is not run:
                again.append(run)
    called = list(runs.values())
    return Plan(
        configs=tuple(run.config for run in called),
        labels=tuple(screen_labels(called)),
        names=tuple(folder_names(called)),
        points=tuple(points.values()),
        size=size,
        repeated=tuple(screen_labels([run])[0] for run in again),
    )


def _spelt(
    table: Mapping[str, Option], axes: Sequence[Axis], ranges: Sequence[Range]
) -> tuple[list[Axis], list[Range]]:
    """The same, with every setting under its dotted name."""
    return [
        replace(
            axis,
            name=dotted_name(axis.name, table) if axis.name in axis.settings else axis.name,
            points=tuple(
                replace(point, settings={dotted_name(name, table): value for name, value in point.settings.items()})
                for point in axis.points
            ),
        )
        for axis in axes
    ], [replace(one, setting=dotted_name(one.setting, table)) for one in ranges]


def _size(axes: Sequence[Axis], draws: int, seeds: Sequence[int] | None, *, zipped: bool) -> str:
    """How many runs there are, in words; ValueError if they are too many."""
    named = [(len(axis.points), axis.name.rpartition(".")[2]) for axis in axes]
    if zipped and axes:
        named = [(len(axes[0].points), " with ".join(name for _, name in named))]
    if draws:
        named.append((draws, "draw" if draws == 1 else "draws"))
    if seeds is not None:
        count = len(dict.fromkeys(seeds))
        named.append((count, "seed" if count == 1 else "seeds"))
    told = " x ".join(f"{count} {name}" for count, name in named)
    total = math.prod(count for count, _ in named)
    if total > MOST_RUNS:
        raise ValueError(f"a sweep must have at most {MOST_RUNS} runs, got {total}: {told}")
    return told


def _places(axes: Sequence[Axis], *, zipped: bool) -> list[Combination]:
    rows = [[(axis.name, point) for point in axis.points] for axis in axes]
    return list(zip(*rows, strict=True) if zipped and rows else itertools.product(*rows))


def _values(ranges: Sequence[Range], known: Mapping[str, Option], draws: int, seed: int) -> list[Combination]:
    """What is drawn at each place, draw by draw."""
    if not draws:
        return [()]
    columns = []
    for one in ranges:
        check_range(one, known[one.setting])
        values = drawn(one, known[one.setting], draws, seed=seed)
        columns.append([(one.setting, Point(str(value), {one.setting: value})) for value in values])
    return list(zip(*columns, strict=True))
