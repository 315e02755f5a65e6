"""The command ``icl-train status``: what has been trained, how well, and what is being trained."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from icl_data.foundation.command_line import DONE
from icl_data.foundation.printable import one_line
from icl_train._status.rows import Survey
from icl_train._status.table import show
from icl_train._status.watch import StatusFace, watch_runs
from icl_train.command_line import parse

__all__ = ["status"]


@dataclass(frozen=True)
class StatusCommand:
    """A table of the runs below a folder.

    It shows state, steps, speed, time left, the last evaluation, and what sets each run apart.

    States: done; running; failed (its reason is below the table); interrupted (started, then stopped: resume goes on);
    queued (made, and not started yet, or back in a cluster's queue). Exit code 0, whatever the states.
    """

    runs: tyro.conf.Positional[Path] = Path("runs")
    """The folder."""
    watch: bool = False
    """Show it anew each second, until q or Ctrl+C; into a pipe, a line for each run, and one whenever a run changes."""
    json: bool = False
    """Print it as JSON, for programs (the keys are in the README)."""


def status(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    command = parse(StatusCommand, args, prog="icl-train status")
    if command.watch and command.json:
        raise ValueError("--json prints once, and cannot be given with --watch")
    survey = Survey(command.runs)
    if command.watch:
        return watch_runs(survey, StatusFace())
    rows = survey.look()
    if command.json:
        told = {
            "runs": [row.as_json() for row in rows],
            "unreadable": [{"path": str(path), "reason": reason} for path, reason in survey.broken],
        }
        print(json.dumps(told, indent=1))
        return DONE
    show(rows)
    for row in rows:
        if row.unusable:
            print(one_line(f"{row.path}: {row.unusable}"))
    for path, reason in survey.broken:
        print(one_line(f"skipped {path}: {reason}"))
    if not rows:
        print("no runs found")
    return DONE
