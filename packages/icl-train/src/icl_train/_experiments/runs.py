"""The runs of an experiment at one of its scales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from icl_data.foundation.command_line import nearest
from icl_models import Axis, ExperimentSpec, Scale
from icl_train._by_name.settings import with_settings
from icl_train._plans.plan import Plan, planned
from icl_train.config import RunConfig
from icl_train.presets import PRESETS

__all__ = ["ExperimentRun", "base_of", "experiment_plan", "experiment_runs", "scale_of"]


@dataclass(frozen=True)
class ExperimentRun:
    """One run of an experiment.

    Attributes:
        where: axis → label of its point there, and setting → value of what was drawn.
        config: its settings.
        folder: what its folder is called.
    """

    where: Mapping[str, str]
    config: RunConfig
    folder: str

    @property
    def seed(self) -> int:
        """Of its weights and data."""
        return self.config.seeds.data


def scale_of(spec: ExperimentSpec, name: str) -> Scale:
    """A scale of an experiment by its name.

    Raises:
        ValueError: if it has none of that name.
    """
    if name not in spec.scales:
        known = list(spec.scales)
        raise ValueError(f"scale of {spec.name} must be one of {', '.join(known)}, got {name!r}{nearest(name, known)}")
    return spec.scales[name]


def base_of(spec: ExperimentSpec, scale: str) -> RunConfig:
    """What the runs at a scale have in common: its preset with its settings.

    Raises:
        ValueError: for an unknown scale or preset, or settings that do not exist or are refused.
    """
    found = scale_of(spec, scale)
    if found.preset not in PRESETS:
        raise ValueError(
            f"preset of scale {scale} of {spec.name} must be one of {', '.join(PRESETS)}, "
            f"got {found.preset!r}{nearest(found.preset, PRESETS)}"
        )
    return with_settings(PRESETS[found.preset](), found.settings)


def experiment_plan(
    spec: ExperimentSpec,
    scale: str,
    *,
    base: RunConfig | None = None,
    axes: Sequence[Axis] | None = None,
    seeds: Sequence[int] | None = None,
    draws: int | None = None,
    fixed: Mapping[str, Any] | None = None,
) -> Plan:
    """The runs of an experiment at a scale: one for each point of its axes, draw and seed.

    Args:
        spec: the experiment.
        scale: name of its scale.
        base: what the runs share, in place of the scale's own settings.
        axes: what is varied, in place of the experiment's axes.
        seeds: in place of the scale's.
        draws: in place of the scale's.
        fixed: settings that were asked for, by dotted name: no default of a component replaces them, and they are not
            drawn.

    Raises:
        ValueError: for what is unknown, or settings that are refused.
    """
    found = scale_of(spec, scale)
    base = base_of(spec, scale) if base is None else base
    axes = spec.axes_at(scale) if axes is None else axes
    asked = dict(fixed or {})
    ranges = [one for one in found.ranges if one.setting not in asked]
    varied = {*(name for axis in axes for name in axis.settings), *(one.setting for one in ranges)}
    own = {name: value for name, value in base.flat().items() if name in found.settings and name not in varied}
    return planned(
        base,
        axes,
        seeds=found.seeds if seeds is None else seeds,
        ranges=ranges,
        draws=(found.draws if draws is None else draws) if ranges else 0,
        fixed=own | asked,
    )


def experiment_runs(spec: ExperimentSpec, scale: str) -> list[ExperimentRun]:
    """The runs of an experiment at a scale, as it is.

    Args:
        spec: the experiment.
        scale: name of its scale.

    Raises:
        ValueError: for an unknown scale, or settings that do not exist or are refused.
    """
    plan = experiment_plan(spec, scale)
    return [
        ExperimentRun(where, config, folder)
        for where, config, folder in zip(plan.points, plan.configs, plan.names, strict=True)
    ]
