"""``icl-eval watch``: the curves of runs on the terminal, while they are trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from icl_data.foundation.command_line import DONE
from icl_data.foundation.paths import user_path
from icl_eval._watch.curves import Curves
from icl_eval._watch.face import CurveFace
from icl_train import Survey, watch_runs
from icl_train.command_line import parse

__all__ = ["watch"]

PROG = "icl-eval watch"
_SHORTEST, _LONGEST = 0.2, 3600.0


@dataclass(frozen=True)
class WatchCommand:
    """Runs while they are trained: state, step, speed, time left, and of ICL and IWL the curve with its last value.

    Beside a value are its 95% interval and chance; a curve goes from chance or below to 1, over all updates of its run.
    It is drawn anew until q or Ctrl+C, and what was seen last stays. Into a pipe goes a line for each run, and one
    whenever a run changes its state or is evaluated. What has no room is counted: the news stay.
    """

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUNS [RUNS ...]")] = (Path("runs"),)
    """Folders with run folders at any depth, behind links as well."""
    group: bool = False
    """A line for each group of runs that differ in their seeds alone: the mean over seeds and its 95% interval
    (Student's t), where all seeds that are evaluated have a value; if some are not, it says "2 of 3 seeds"."""
    interval: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 1.0
    """Seconds between two looks."""
    once: bool = False
    """Look once, print everything, and end."""


def watch(args: Sequence[str]) -> int:
    """Run the command; returns the exit code.

    Args:
        args: what follows ``watch``.
    """
    command = parse(WatchCommand, args, prog=PROG)
    if not command.runs:
        raise ValueError(f"RUNS must be one folder or more, got none (see {PROG} --help)")
    if not _SHORTEST <= command.interval <= _LONGEST:
        raise ValueError(f"--interval must be from {_SHORTEST} to {_LONGEST:g} seconds, got {command.interval}")
    curves = Curves()
    survey = Survey(*map(user_path, command.runs), hears=curves.hear)
    face = CurveFace(survey, curves, grouped=command.group)
    if command.once:
        face.last(survey.look())
        return DONE
    return watch_runs(survey, face, seconds=command.interval)
