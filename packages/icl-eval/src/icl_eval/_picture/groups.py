"""Which runs stand in one panel, and what each panel is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from icl_eval._picture.runs import RunSettings, follows_a_component, varying
from icl_eval._picture.values import in_order, sentence, short_setting, shown
from icl_eval._runs import SOURCES

__all__ = ["Group", "groups_of", "not_said", "shared_by"]

_LENGTH = "train.max_steps"


@dataclass(frozen=True)
class Group:
    """Runs that share every setting but those of the figure's axes, and the seeds.

    Attributes:
        settings: those in which the groups differ.
        runs: their names.
        title: these settings in words; empty where there is one group.
    """

    settings: dict[str, Any]
    runs: tuple[str, ...]
    title: str


def groups_of(
    runs: RunSettings,
    axes: Sequence[str],
    *,
    as_compared: Callable[[Mapping[str, Any]], dict[str, Any]] = dict,
    any_length: bool = False,
) -> list[Group]:
    """Runs by the settings that no axis shows, in the order of these settings' values.

    Args:
        runs: settings by run.
        axes: what the figure shows: settings, or names that follow from them.
        as_compared: settings as they are compared, if some differences belong together.
        any_length: runs of different lengths stand together, unless they would be averaged: a curve shows its length.
    """
    compared = {run: as_compared(settings) for run, settings in runs.items()}
    names = not_said(compared, axes)
    if any_length and _LENGTH in names and _follow(_LENGTH, [*axes, *names], compared):
        names.remove(_LENGTH)
    groups: dict[tuple[Any, ...], list[str]] = {}
    for run, settings in compared.items():
        groups.setdefault(tuple(settings.get(name) for name in names), []).append(run)
    orders = [
        {value: place for place, value in enumerate(in_order(key[i] for key in groups))} for i in range(len(names))
    ]
    keys = sorted(groups, key=lambda key: [order[value] for order, value in zip(orders, key, strict=True)])
    return [
        Group(
            dict(zip(names, key, strict=True)), tuple(groups[key]), sentence(dict(zip(names, key, strict=True)), names)
        )
        for key in keys
    ]


def not_said(runs: Mapping[str, Mapping[str, Any]], axes: Sequence[str]) -> list[str]:
    """The settings in which runs differ and that no axis shows.

    What is a component's own is left out where it differs only because the component does.
    """
    names = varying(runs.values(), besides=axes)
    told = [name for name in (*axes, *names) if not follows_a_component(name)]
    return [name for name in names if not _only_with_its_component(name, told, runs)]


def _only_with_its_component(name: str, told: Sequence[str], runs: Mapping[str, Mapping[str, Any]]) -> bool:
    component = name.partition("_config.")[0]
    return follows_a_component(name) and component in told and _follow(name, [component], runs)


def _follow(name: str, others: Sequence[str], runs: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether runs that are alike in all others are alike in that setting, too."""
    values: dict[tuple[Any, ...], set[Any]] = {}
    for settings in runs.values():
        key = tuple(settings.get(other) for other in others if other != name)
        values.setdefault(key, set()).add(settings.get(name))
    return all(len(found) == 1 for found in values.values())


def shared_by(runs: RunSettings, *, besides: Sequence[str] = ()) -> str:
    """What all runs have in common, in a line: source, model, burstiness, labels."""
    settings = list(runs.values())

    def common(name: str) -> Any:
        found = {one.get(name) for one in settings}
        return found.pop() if len(found) == 1 and name not in besides else None

    source, layers, model = (common(name) for name in ("data.source", "model.num_layers", "model.sequence_model"))
    told = []
    if source:
        told.append(SOURCES.get(source, str(source)) + (" 28x28" if common("data.downsample") else ""))
    if model or layers:
        told.append(" ".join([*([f"{layers}-layer"] if layers else []), str(model or "models")]))
    bursty = common("data.sequence") in (None, "bursty")  # else nothing hangs on the share of bursts
    for name, words in (
        ("classes", "{} classes"),
        *([("data.p_bursty", "p(bursty) {}")] if bursty else []),
        ("data.n_labels", "{} shared labels"),
    ):
        if common(name) is not None:
            told.append(words.format(shown(common(name))))
    return ", ".join(told)


def named(name: str, value: Any, among: Sequence[str] = ()) -> str:
    """One setting and its value: ``p(bursty) 0.9``."""
    return f"{short_setting(name, among)} {shown(value, name)}"
