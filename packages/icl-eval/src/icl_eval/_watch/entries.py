"""What is shown of runs, or of groups of runs that differ in their seeds alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from icl_data.foundation.printable import one_line
from icl_eval._claims.interval import mean_with_interval
from icl_eval._watch.curves import Curve, Curves
from icl_train import RunConfig, StatusRow, Survey, departures

__all__ = ["Entry", "entries_of", "groups_of"]

_SEEDS = ("seeds.init", "seeds.data")
_MOST = 2  # curves beside each other
_FEW = 3  # settings that each group tells its value of


@dataclass(frozen=True)
class Entry:
    """One run, or one group.

    Attributes:
        name: what it is called; of a group empty, where its settings say more than a name.
        differs: the settings that set it apart, and their values.
        state: what it is; of a group, how many are what.
        rank: how near to the top it belongs where there is no room for all; the lowest first.
        step, last: updates done, and in all.
        speed, left: updates a second, and the time that is left; empty where nothing is known.
        curves: evaluation → its curve, two at most.
        reason: why it failed, or what is damaged; empty otherwise.
        troubled: whether there is something to be seen to.
        seeds: of a group, how many it is of, and its curves, if these are fewer: "2 seeds", "1 of 2 seeds"; empty
            otherwise.
    """

    name: str
    differs: str
    state: str
    rank: int
    step: int
    last: int
    speed: str
    left: str
    curves: dict[str, Curve]
    reason: str = ""
    troubled: bool = False
    seeds: str = ""


def entries_of(rows: Sequence[StatusRow], curves: Curves) -> list[Entry]:
    """An entry for each run.

    Args:
        rows: the runs.
        curves: what they have measured.
    """
    among = sorted({name for row in rows for name in row.differs})
    return [
        Entry(
            name=one_line(row.name),
            differs=_settings(row.differs, among),
            state=row.state,
            rank=row.rank,
            step=row.step,
            last=row.max_steps,
            speed="" if row.steps_per_second is None else f"{row.steps_per_second:.3g}",
            left=row.left,
            curves=curves.of(row.path, row.told[:_MOST]),
            reason=one_line(row.reason or ""),
            troubled=row.state in ("failed", "damaged"),
        )
        for row in rows
    ]


def groups_of(rows: Sequence[StatusRow], curves: Curves, survey: Survey) -> list[Entry]:
    """An entry for each group of runs that differ in their seeds alone: means over the seeds that have values.

    Args:
        rows: the runs.
        curves: what they have measured.
        survey: where they were found.
    """
    groups: dict[tuple[tuple[str, str], ...], list[StatusRow]] = {}
    configs = {row.path: survey.run(row.path).config for row in rows}
    for row in rows:
        telling = configs[row.path].telling()
        key = tuple(sorted((name, str(value)) for name, value in telling.items() if name not in _SEEDS))
        groups.setdefault(key, []).append(row)
    apart = _apart([configs[members[0].path] for members in groups.values()])
    among = sorted({name for differs in apart for name in differs})
    said = [_settings(differs, among) for differs in apart]
    return [_group(members, differs, curves) for members, differs in zip(groups.values(), said, strict=True)]


def _apart(configs: Sequence[RunConfig]) -> list[dict[str, str]]:
    """The settings by which groups are called.

    If there are few that differ, each group tells its value of every one. Otherwise it tells those alone in which it is
    unlike most, since a group that is quite another would have all of them tell all.
    """
    apart = departures(configs, left_out=_SEEDS)
    names = sorted({name for differs in apart for name in differs})
    if len(names) > _FEW:
        return apart
    telling = [config.telling() for config in configs]
    return [
        {name: "default" if one[name] is None else str(one[name]) for name in names if name in one} for one in telling
    ]


def _group(members: Sequence[StatusRow], differs: str, curves: Curves) -> Entry:
    first = members[0]
    states = Counter(row.state for row in sorted(members, key=lambda row: row.rank))
    longest = max(members, key=lambda row: row.seconds_left or 0.0)
    told = next((row.told[:_MOST] for row in members if row.told), [])
    measured = _measured(told, [row.path for row in members], curves)
    return Entry(
        name="" if differs else _name_of_all([one_line(row.name) for row in members]),
        differs=differs,
        state=", ".join(f"{count} {state}" for state, count in states.items()),
        rank=min(row.rank for row in members),
        step=min(row.step for row in members),
        last=first.max_steps,
        speed="",
        left=longest.left,
        curves={name: _mean(found) for name, found in measured.items()},
        troubled=bool({"failed", "damaged"} & states.keys()),
        seeds=_seeds(sorted({len(found) for found in measured.values()}), len(members)),
    )


def _seeds(measured: Sequence[int], count: int) -> str:
    """``3 seeds``; ``2 of 3 seeds`` where a mean is not over all of them."""
    seeds = f"{count} seed{'' if count == 1 else 's'}"
    if not measured or measured[0] == count:
        return seeds
    return f"{'-'.join(map(str, dict.fromkeys([measured[0], measured[-1]])))} of {seeds}"


def _name_of_all(names: Sequence[str]) -> str:
    """What the names of a group's runs begin with, up to a hyphen: no run is called by the name of another."""
    if len(names) == 1:
        return names[0]
    parts = [name.split("-") for name in names]
    common = takewhile(lambda beside: len(set(beside)) == 1, zip(*parts, strict=False))
    return "-".join(beside[0] for beside in common) or "same settings"


def _measured(evaluations: Sequence[str], paths: Sequence[Path], curves: Curves) -> dict[str, list[Curve]]:
    """The curves of the runs that have some, of each evaluation that these have a step in common of."""
    of_runs = {name: [found[name] for path in paths if (found := curves.of(path, [name]))] for name in evaluations}
    return {name: found for name, found in of_runs.items() if found and _common(found)}


def _common(members: Sequence[Curve]) -> list[int]:
    return sorted(set.intersection(*(set(one.steps) for one in members)))


def _mean(members: Sequence[Curve]) -> Curve:
    """At the steps that all of them have."""
    if len(members) == 1:
        return members[0]
    common = _common(members)
    values = [dict(zip(one.steps, one.values, strict=True)) for one in members]
    _, low, high = mean_with_interval([one[common[-1]] for one in values])
    return Curve(
        short=members[0].short,
        steps=common,
        values=[sum(one[step] for one in values) / len(values) for step in common],
        chance=members[0].chance,
        low=None if low is None else max(low, 0.0),
        high=None if high is None else min(high, 1.0),
    )


def _settings(differs: dict[str, str], among: Sequence[str]) -> str:
    """``p_bursty=0.5 max_lr=0.01``, each setting by its last part unless another ``among`` them has that, too."""
    ends = Counter(name.rpartition(".")[2] for name in among)
    short = {name: last if ends[last := name.rpartition(".")[2]] == 1 else name for name in differs}
    return " ".join(one_line(f"{short[name]}={value}") for name, value in differs.items())
