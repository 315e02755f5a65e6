"""Settings as people write them on a command line, among those that runs have."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from icl_data.foundation.command_line import listed, nearest
from icl_eval._picture.axes import TIME
from icl_eval._picture.runs import DERIVED, RunSettings, varying
from icl_eval._picture.values import few, in_order, shown

__all__ = ["chosen_runs", "conditions", "find_setting", "is_seed"]

Condition = tuple[str, str]
"""A setting and a value, as somebody wrote them."""

_SEEDS = ("seeds.split", "seeds.init", "seeds.data")


def find_setting(option: str, name: str, columns: Sequence[str], runs: RunSettings) -> str:
    """The setting that somebody means.

    Args:
        option: what it was given to, for the error.
        name: ``data.p_bursty``, ``data.p-bursty``, or ``p-bursty`` where there is but one of it.
        columns: columns of the table.
        runs: settings by run, to say what varies.

    Raises:
        ValueError: if there is none; with the settings that vary.
    """
    plain = name.strip().lstrip("-").replace("-", "_")
    known = [*DERIVED, *(column for column in columns if "." in column)]
    if plain in known:
        return plain
    ends = [one for one in known if one.rpartition(".")[2] == plain]
    if len(ends) == 1:
        return ends[0]
    there = "step, sequences or a setting" if option == "--x" else "a setting"
    vary = listed(varying(runs.values()))
    near = nearest(name, [*known, *(TIME if option == "--x" else ())])
    raise ValueError(f"{option} must be {there}, got {name!r}{near}; in these runs vary: {vary}")


def conditions(option: str, texts: Sequence[str]) -> tuple[Condition, ...]:
    """``data.p-bursty=0.9`` as a setting and a value.

    Args:
        option: what they were given to, for the error.
        texts: as the user wrote them.

    Raises:
        ValueError: if one is no setting with a value.
    """
    parts = [text.partition("=") for text in texts]
    for text, (name, equals, _) in zip(texts, parts, strict=True):
        if not equals or not name.strip():
            raise ValueError(f"{option} must be setting=value, as data.p-bursty=0.9, got {text!r}")
    return tuple((name, value.strip()) for name, _, value in parts)


def chosen_runs(
    option: str,
    where: Sequence[Condition],
    columns: Sequence[str],
    runs: RunSettings,
    *,
    absent: Callable[[str], object] | None = None,
) -> RunSettings:
    """The runs that have all of these values.

    Args:
        option: what the conditions were given to, for the error.
        where: settings and values; of one setting, any of the values will do.
        columns, runs: see `find_setting`.
        absent: told of each value that no run has, which is then no error.

    Raises:
        ValueError: if there is no such setting or value, with those that there are.
    """
    wanted: dict[str, list[str]] = {}
    for name, value in where:
        wanted.setdefault(find_setting(option, name, columns, runs), []).append(value)
    chosen = runs
    for name, values in wanted.items():
        there = {run: settings.get(name) for run, settings in chosen.items()}
        for value in values:
            if any(_means(value, one, name) for one in there.values()):
                continue
            if absent is None:
                known = few(in_order(there.values()))
                raise ValueError(f"{option} {name} must be one of {known}, got {value!r}")
            if there:  # else a condition before it was told of
                absent(f"{name}={value}")
        chosen = {run: chosen[run] for run, one in there.items() if any(_means(value, one, name) for value in values)}
    return chosen


def _means(text: str, value: Any, setting: str) -> bool:
    if text in (shown(value, setting), shown(value), str(value)):
        return True
    if value is None and text.lower() in ("none", "null", "default"):
        return True
    if isinstance(value, tuple):
        return text.strip("[]").replace(" ", "") == json.dumps(value).strip("[]").replace(" ", "")
    if isinstance(value, bool):
        return text.lower() in (("true", "yes") if value else ("false", "no"))
    try:
        return isinstance(value, int | float) and float(text) == value
    except ValueError:
        return False


def is_seed(name: str) -> bool:
    """Whether it is one of the three seeds."""
    return name in _SEEDS
