"""The axes of an experiment with other points, as ``--vary`` names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from icl_data.foundation.command_line import listed, nearest
from icl_models import Axis, ExperimentSpec, Point
from icl_train._by_name.settings import dotted_name, settings_of
from icl_train._commands.sweeps.written import read_axes
from icl_train._plans.combined import SEEDS
from icl_train.config import RunConfig

__all__ = ["option_of", "other_axes", "refuse_varied"]


def option_of(setting: str) -> str:
    """What a setting is called on the command line."""
    return f"--{setting.replace('_', '-')}"


def other_axes(
    spec: ExperimentSpec, scale: str, written: Sequence[Sequence[str]], base: RunConfig, fixed: Mapping[str, Any]
) -> list[Axis]:
    """The axes of an experiment at a scale, some of them replaced, and further ones behind them.

    ``--vary AXIS LABEL ...`` picks points by their labels, and where the axis is a setting takes any value; ``--vary
    SETTING VALUE ...`` replaces the axis that sets it, or is one axis more.

    Args:
        spec: the experiment.
        scale: name of its scale.
        written: of each ``--vary``, what stands behind it.
        base, fixed: what the settings go on top of.

    Raises:
        ValueError: for a point that an axis does not have, or something varied twice.
    """
    axes = {axis.name: axis for axis in spec.axes_at(scale)}
    table = settings_of(base)
    seen: set[str] = set()
    for words in written:
        named = words[0].partition("=")[0] if words else ""
        name = named if named in axes else dotted_name(named, table)
        if name not in axes and "." not in name and name not in table:
            known = listed([*axes])
            raise ValueError(
                f"--vary needs an axis of {spec.name} ({known}) or a setting, got {named!r}{nearest(named, axes)}"
            )
        replaced = name if name in axes else next((key for key, axis in axes.items() if name in axis.settings), name)
        if replaced in seen:
            raise ValueError(f"{named} is varied twice: give all of its points at once")
        seen.add(replaced)
        if name in axes:
            axes[name] = _picked(spec, axes[name], words, base, fixed)
        else:
            (own,) = read_axes([words], base, fixed)
            axes = {key: own if key == replaced else axis for key, axis in axes.items()} | {replaced: own}
    return list(axes.values())


def refuse_varied(spec: ExperimentSpec, axes: Sequence[Axis], fixed: Mapping[str, Any]) -> None:
    """Raise ValueError if a setting is given for all runs that the experiment varies, or its seeds."""
    for name in fixed:
        option = option_of(name)
        if name in SEEDS:
            raise ValueError(f"{option} cannot be set in a sweep, which sets it for each run: use --run-seeds")
        for axis in axes:
            if name in axis.settings:
                instead = axis.name.replace("_", "-") if axis.name == name else axis.name
                raise ValueError(f"{option} cannot be set in {spec.name}, which varies it: use --vary {instead}")


def _picked(spec: ExperimentSpec, axis: Axis, words: Sequence[str], base: RunConfig, fixed: Mapping[str, Any]) -> Axis:
    known = {point.label: point for point in axis.known}
    _, equals, first = words[0].partition("=")
    texts = [*([first] if equals else []), *words[1:]]
    labels = [part for text in texts for part in ([text] if text in known else text.split(",")) if part]
    if not labels:
        raise ValueError(f"--vary {words[0]} needs at least one point, got none")
    if axis.settings == (axis.name,):
        return replace(axis, points=tuple(_point(axis, label, known, base, fixed) for label in dict.fromkeys(labels)))
    for label in labels:
        if label not in known:
            others = f" (--vary takes settings as well: {', '.join(axis.settings)})"
            raise ValueError(
                f"points of {spec.name} on {axis.name} must be among {', '.join(known)}, got {label!r}"
                f"{nearest(label, known) or others}"
            )
    return replace(axis, points=tuple(known[label] for label in dict.fromkeys(labels)), others=())


def _point(axis: Axis, text: str, known: Mapping[str, Point], base: RunConfig, fixed: Mapping[str, Any]) -> Point:
    """The point of that label or value; values of a setting may be written in any way that options may be."""
    if text in known:
        return known[text]
    (own,) = read_axes([(axis.name, text)], base, fixed)
    return own.points[0]
