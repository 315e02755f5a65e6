"""Which runs belong together: those that differ in seeds alone, chosen by settings where there are others."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from icl_eval._picture.names import Condition, chosen_runs, find_setting
from icl_eval._picture.runs import RunSettings, with_derived
from icl_eval._picture.values import plain
from icl_eval._runs import RunSeries

__all__ = ["chosen", "differing", "require_one_setting", "without"]

# Seeds, and when runs are evaluated: steps that not all have are left out.
_FREE = ("seeds.", "eval.interval", "eval.steps", "eval.log_spaced_steps")


def chosen(series: Sequence[RunSeries], where: Sequence[Condition], option: str) -> list[RunSeries]:
    """The runs that have these settings, as ``icl-eval plot`` chooses them.

    Args:
        series: runs.
        where: settings and their values.
        option: which they come from, for what is said.

    Raises:
        ValueError: no run has such a setting, or none that value.
    """
    if not where:
        return list(series)
    runs = _by_path(series)
    left = chosen_runs(option, where, _columns(runs), runs)
    return [one for one in series if str(one.run.path) in left]


def without(where: Sequence[Condition], over: Sequence[Condition], series: Sequence[RunSeries]) -> list[Condition]:
    """The conditions on settings that others do not speak of.

    Args:
        where: conditions.
        over: those that stand in the place of the ones on the same settings.
        series: runs, which know what settings there are.

    Raises:
        ValueError: no run has such a setting.
    """
    runs = _by_path(series)
    replaced = {find_setting("--with-where", name, _columns(runs), runs) for name, _ in over}
    return [one for one in where if find_setting("--where", one[0], _columns(runs), runs) not in replaced]


def _by_path(series: Sequence[RunSeries]) -> RunSettings:
    return {
        str(one.run.path): with_derived({name: plain(value) for name, value in one.run.config.flat().items()})
        for one in series
    }


def _columns(runs: RunSettings) -> list[str]:
    return list(dict.fromkeys(name for settings in runs.values() for name in settings))


def require_one_setting(series: Sequence[RunSeries], *, side: str, option: str) -> None:
    """Raise where runs of one side differ in more than seeds.

    Args:
        series: the runs of the side.
        side: what it is called on the command line.
        option: how to choose among them.

    Raises:
        ValueError: naming the settings that vary, and how to choose.
    """
    settings = [_compared(one) for one in series]
    varying = [name for name in _names(settings) if len({_text(one.get(name)) for one in settings}) > 1]
    if not varying:
        return
    counts = {name: Counter(_text(one.get(name)) for one in settings) for name in varying}
    told = [f"{name} {_counted(of)}" for name, of in list(counts.items())[:4]]
    others = f", and {len(counts) - 4} more settings" if len(counts) > 4 else ""
    name, usual = varying[0], counts[varying[0]].most_common(1)[0][0]
    raise ValueError(
        f"the runs of {side} must differ in seeds alone, got {'; '.join(told)}{others}: choose with {option}, "
        f"as {option} {name.replace('_', '-')}={usual}"
    )


def differing(ours: RunSeries, theirs: RunSeries) -> dict[str, tuple[str, str]]:
    """The settings in which the runs of two sides differ → their values.

    Args:
        ours, theirs: a run of each side.
    """
    first, second = _compared(ours), _compared(theirs)
    pairs = {name: (_text(first.get(name)), _text(second.get(name))) for name in _names([first, second])}
    return {name: values for name, values in pairs.items() if values[0] != values[1]}


def _counted(values: Mapping[str, int]) -> str:
    return " / ".join(f"{value} ({n} run{'s' if n > 1 else ''})" for value, n in sorted(values.items()))


def _compared(series: RunSeries) -> dict[str, Any]:
    return {name: value for name, value in series.run.config.telling().items() if not name.startswith(_FREE)}


def _names(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for one in settings for name in one))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
