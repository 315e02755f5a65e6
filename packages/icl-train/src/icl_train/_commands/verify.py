"""The command ``icl-train verify``: whether what runs have written is still as it was written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from icl_data.foundation.command_line import DONE, FAILED
from icl_data.foundation.paths import user_path
from icl_data.foundation.printable import one_line
from icl_train._runs.folder import RunFolder
from icl_train._runs.search import find_lost_runs, find_runs
from icl_train._watching.verified import Verified, verified
from icl_train.command_line import parse

__all__ = ["verify"]

_MOST_NAMED = 3


@dataclass(frozen=True)
class VerifyCommand:
    """Read every file of runs and hold it against the hashes that were written with it; nothing is changed.

    Of each run it says: intact; damaged, with the files and what is wrong; or not covered, for files of an earlier
    version, which wrote no hashes. Weights must be finite numbers as well. Exit code 1 if anything is damaged, or if
    there is no run.
    """

    runs: Annotated[
        tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUNS [RUNS ...]", help_behavior_hint="")
    ]
    """Run folders, or folders above some."""
    json: bool = False
    """Print it as JSON, for programs."""


def verify(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    command = parse(VerifyCommand, args, prog="icl-train verify")
    if not command.runs:
        raise ValueError("RUNS must be one folder or more, got none (see icl-train verify --help)")
    runs: dict[Path, RunFolder] = {}
    unreadable: dict[Path, str] = {}
    for root in map(user_path, command.runs):
        found, broken = find_runs(root)
        runs |= {run.path: run for run in found}
        unreadable |= dict([*find_lost_runs(root), *broken])
    told = []
    for run in runs.values():
        told.append(verified(run))
        if not command.json:
            for line in _lines(told[-1]):
                print(one_line(line), flush=True)
    if command.json:
        broken_ones = [{"path": str(path), "reason": reason} for path, reason in unreadable.items()]
        print(json.dumps({"runs": [one.as_json() for one in told], "unreadable": broken_ones}, indent=1))
    else:
        for path, reason in unreadable.items():
            print(one_line(f"damaged: {path}: {reason}"))
        print(_summary(told, len(unreadable)))
    return FAILED if unreadable or not told or any(one.damaged for one in told) else DONE


def _lines(one: Verified) -> list[str]:
    lines = [f"damaged: {one.path}: {name}: {why}" for name, why in one.damaged.items()]
    if not lines and one.not_covered:
        more = f" and {len(one.not_covered) - _MOST_NAMED} more" if len(one.not_covered) > _MOST_NAMED else ""
        named = ", ".join(one.not_covered[:_MOST_NAMED])
        lines = [f"not covered: {one.path}: readable, but without hashes: {named}{more}"]
    if not lines:
        lines = [f"intact: {one.path}: {len(one.files)} files"]
    return [*lines, *(f"set aside: {one.path}: {name}" for name in one.set_aside)]


def _summary(told: Sequence[Verified], unreadable: int) -> str:
    if not told and not unreadable:
        return "no runs found"
    states = [one.state for one in told] + ["damaged"] * unreadable
    parts = [f"{states.count(state)} {state}" for state in ("intact", "not covered", "damaged") if state in states]
    return f"{len(states)} run{'' if len(states) == 1 else 's'}: {', '.join(parts)}"
