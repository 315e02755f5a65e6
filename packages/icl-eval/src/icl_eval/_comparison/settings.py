"""Which runs belong together: those that differ in seeds alone, chosen by settings where there are others."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from icl_data.foundation.command_line import listed, nearest
from icl_eval._runs import RunSeries

__all__ = ["Where", "chosen", "differing", "read_where", "require_one_setting"]

# Seeds, and when runs are evaluated: steps that not all have are left out.
_FREE = ("seeds.", "eval.interval", "eval.steps", "eval.log_spaced_steps")

Where = Mapping[str, str]
"""Setting under its dotted name → the value that it is to have, as text."""


def read_where(texts: Sequence[str], option: str) -> dict[str, str]:
    """``data.n-rare-classes=8182`` as a setting and its value.

    Args:
        texts: as the user wrote them.
        option: which they belong to.

    Raises:
        ValueError: one has no ``=``.
    """
    where = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ValueError(f"{option} must be SETTING=VALUE, as data.n-rare-classes=8182, got {text!r}")
        where[name.strip().replace("-", "_")] = value.strip()
    return where


def chosen(series: Sequence[RunSeries], where: Where, option: str) -> list[RunSeries]:
    """The runs that have these settings.

    Args:
        series: runs.
        where: settings and their values.
        option: which they come from, for what is said.

    Raises:
        ValueError: no run has such a setting, or none that value.
    """
    left = list(series)
    for name, text in where.items():
        settings = [one.run.config.flat() for one in left]
        known = sorted({setting for one in settings for setting in one})
        if name not in known:
            hint = nearest(name, known) or " (icl-train show-config RUN lists them)"
            raise ValueError(f"{option} must name a setting of the runs, got {name}{hint}")
        found = [one for one, of_run in zip(left, settings, strict=True) if _is(of_run.get(name), text)]
        if not found:
            values = listed(sorted({_text(one.get(name)) for one in settings}))
            raise ValueError(f"{option} {name} must be a value that runs have ({values}), got {text}")
        left = found
    return left


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


def _is(value: object, text: str) -> bool:
    if _text(value) == text or (value is None and text.lower() in ("none", "default")):
        return True
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    if isinstance(value, int | float):
        try:
            return float(text) == value
        except ValueError:
            return False
    return isinstance(value, list | tuple) and text.replace(" ", "") == _text(value).replace(" ", "")
