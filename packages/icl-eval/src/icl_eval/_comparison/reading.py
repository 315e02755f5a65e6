"""Reading both sides: runs that belong together, and files or runs to hold them against."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from icl_data.foundation.command_line import listed
from icl_eval._comparison.archive import read_archives
from icl_eval._comparison.own_runs import side_of
from icl_eval._comparison.settings import chosen, differing, require_one_setting, without
from icl_eval._comparison.sides import Pair, Side
from icl_eval._picture.names import Condition
from icl_eval._runs import RunSeries, collect
from icl_train import RunError

__all__ = ["BothSides", "notes_on_means", "read_sides"]

_OURS, _THEIRS = "ours", "theirs"


@dataclass(frozen=True, eq=False)
class BothSides:
    """What was read.

    Attributes:
        ours, theirs: the sides.
        skipped: a line for each folder that was passed over.
        differing: settings in which the sides differ → their values; None where theirs are files, which have none.
    """

    ours: Side
    theirs: Side
    skipped: tuple[str, ...]
    differing: dict[str, tuple[str, str]] | None


def read_sides(
    runs: Sequence[Path],
    beside: Sequence[Path],
    *,
    where: Sequence[Condition],
    where_theirs: Sequence[Condition],
    names: tuple[str, str] | None,
    unfinished: bool,
) -> BothSides:
    """Read runs, and what they are compared with.

    Args:
        runs: folders of our runs.
        beside: CSV files of one setting, a seed each, or folders of runs.
        where: settings of the runs to take, on both sides.
        where_theirs: settings of the other side, over those of ``where``.
        names: what the sides are called; None for names from what they differ in.
        unfinished: take runs that have not reached their last step as well.

    Raises:
        RunError: a folder is not there or has no runs.
        ValueError: runs of one side differ in more than seeds, a run is on both sides, or a file is broken.
    """
    folders = [path for path in beside if path.is_dir()]
    files = _each_once([path for path in beside if not path.is_dir()])
    if folders and files:
        raise ValueError(
            f"--with must be CSV files or folders of runs, not both, got {files[0]} beside the folder {folders[0]}"
        )
    theirs_read = read_archives(files, name=_THEIRS) if files else None  # quickly done, and often where the mistake is
    if theirs_read is not None and where_theirs:
        raise ValueError("--with-where must be left out where --with are files, which have no settings")
    skipped: list[str] = []
    ours = _runs_of(runs, "RUNS", skipped, where=where, over=(), unfinished=unfinished)
    if theirs_read is not None:
        left, right = names or (_OURS, _THEIRS)
        return BothSides(side_of(ours, name=left), Side(right, theirs_read.members), _once(skipped), None)
    theirs = _runs_of(folders, "--with", skipped, where=where, over=where_theirs, unfinished=unfinished)
    _require_apart(ours, theirs)
    differences = differing(ours[0], theirs[0])
    left, right = names or _names(differences)
    return BothSides(side_of(ours, name=left), side_of(theirs, name=right), _once(skipped), differences)


def notes_on_means(pair: Pair, ours: Side, theirs: Side) -> list[str]:
    """Lines on a ``train/`` metric whose values are means over other spans of updates on the two sides.

    Where a side does not say, as files do not, the distance of its steps is taken for the span.

    Args:
        pair: the metric.
        ours, theirs: the sides.
    """
    if not pair.metric.startswith("train/"):
        return []
    spans = [_span(side, pair.metric) for side in (ours, theirs)]
    if spans[0] == spans[1] and None not in spans:
        return []
    told = " and ".join(
        f"{span or 'an unknown number of'} of {side.name}" for span, side in zip(spans, (ours, theirs), strict=True)
    )
    return [f"{pair.metric} is a mean over the updates since the last value: over {told}, which is not the same"]


def _span(side: Side, metric: str) -> int | None:
    said = {member.averaged_over for member in side.members}
    if None not in said:
        return said.pop() if len(said) == 1 else None
    steps = list(side.members[0].metrics[metric])
    gaps = Counter(later - earlier for earlier, later in pairwise(steps))
    return gaps.most_common(1)[0][0] if gaps else None


def _runs_of(
    roots: Sequence[Path],
    side: str,
    skipped: list[str],
    *,
    where: Sequence[Condition],
    over: Sequence[Condition],
    unfinished: bool,
) -> list[RunSeries]:
    series, passed_over = collect(*roots, unfinished=unfinished)
    skipped += passed_over
    if not series:
        places = listed([str(root) for root in roots])
        raise RunError(f"{side} must hold at least one finished run with evaluations, got none below {places}")
    found = chosen(chosen(series, without(where, over, series), "--where"), over, "--with-where")
    require_one_setting(
        found, side=side, option="--with-where" if side == "--with" and (over or not where) else "--where"
    )
    return found


def _require_apart(ours: Sequence[RunSeries], theirs: Sequence[RunSeries]) -> None:
    places = {one.run.config.digest(): one for one in ours}
    for one in theirs:
        same = places.get(one.run.config.digest())
        if same is not None:
            raise ValueError(
                f"each run must be on one side, got {one.run.path} on both"
                if os.path.realpath(one.run.path) == os.path.realpath(same.run.path)
                else f"each run must be on one side, got {one.run.path}, a copy of {same.run.path}"
            )


def _names(differences: dict[str, tuple[str, str]]) -> tuple[str, str]:
    """The values, where the sides differ in one setting."""
    if len(differences) != 1:
        return _OURS, _THEIRS
    ((name, values),) = differences.items()
    short = name.rpartition(".")[2]
    first, second = (
        value if value[:1].isalpha() and value not in ("true", "false", "null") else f"{short} {value}"
        for value in values
    )
    return first, second


def _each_once(files: Sequence[Path]) -> list[Path]:
    return list({os.path.realpath(file): file for file in reversed(files)}.values())[::-1]


def _once(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(lines))
