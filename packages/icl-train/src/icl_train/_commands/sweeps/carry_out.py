"""Carrying out a sweep: its runs are made and trained, or only listed, as the options that sweeps share say."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from icl_data.foundation.command_line import DONE, INTERRUPTED
from icl_data.foundation.extras import require_extra
from icl_data.foundation.printable import printable
from icl_train._commands.sweeps.dry_run import dry_run, tell_size
from icl_train._commands.sweeps.options import SweepOptions
from icl_train._plans.plan import Plan
from icl_train._runs.folder import RunFailed
from icl_train._runs.lasting import lasting
from icl_train._sweeps.cost import longest_first
from icl_train._sweeps.sweep import default_jobs, launch, prepare

__all__ = ["carry_out", "check_plot", "draw"]

OPEN_ELSEWHERE = 3
"""Exit code where nothing failed, and other processes still train runs of the sweep."""


def carry_out(plan: Plan, options: SweepOptions, *, when_done: Callable[[], int]) -> int:
    """Make the runs and train them, print their commands, or list them; the exit code.

    What is done is skipped, what broke is resumed, and a run that is in the root under another name is found there.

    Args:
        plan: the runs.
        options: of the sweep.
        when_done: what follows when all runs are done; the exit code.

    Raises:
        ValueError: if a run cannot be made; then none is.
        RunFailed: if runs failed.
    """
    if options.dry_run:
        return dry_run(plan, options)
    if options.launcher == "commands":
        return _print_commands(plan, options.root)
    return _train(plan, options, when_done)


def check_plot(options: SweepOptions) -> None:
    """Raise ValueError where ``--plot`` could not draw when the runs are done."""
    if options.launcher == "commands":
        raise ValueError("--plot needs --launcher local: with commands the runs are trained later, elsewhere")
    require_extra("icl_eval", "icl-eval", "--plot")


def draw(figure: str, root: Path, *, plot: bool) -> int:
    """Draw a figure of the runs, by the command that people draw with, or say what that is.

    Args:
        figure: what ``icl-eval`` calls it.
        root: folder of the runs.
        plot: whether to draw it.

    Returns:
        Its exit code, or 128 and the number of the signal that ended it.
    """
    if not plot:
        print(printable(f"draw the figure with: icl-eval {figure} {shlex.quote(str(root))}"))
        return DONE
    sys.stdout.flush()
    # -P: an icl_eval.py in this folder is not icl-eval.
    code = subprocess.run([sys.executable, "-P", "-m", "icl_eval", figure, str(root)], check=False).returncode
    return code if code >= 0 else 128 - code


def _print_commands(plan: Plan, root: Path) -> int:
    runs = prepare(plan, root, elsewhere=True)
    tell_size(plan)
    for run in longest_first(runs):
        status = run.status()
        if status == "running":
            print(f"{printable(run.path)}: running, left out", file=sys.stderr)
        elif not run.is_done_and_whole():
            print(shlex.join(["icl-train", "resume", str(run.path)]))
    return DONE


def _train(plan: Plan, options: SweepOptions, when_done: Callable[[], int]) -> int:
    broken: list[tuple[Path, str]] = []
    runs = prepare(plan, options.root, jobs=options.jobs, broken=broken)
    tell_size(plan)
    jobs = options.jobs or default_jobs(plan.configs)
    try:
        failed = launch(
            runs,
            jobs=jobs,
            stream=sys.stdout,
            plan=plan,
            broken=broken,
            grace=options.grace,
            follow=options.follow,
            stall_minutes=options.stall_minutes,
        )
    except KeyboardInterrupt:
        print("interrupted; the same command goes on", file=lasting(sys.stderr))
        return INTERRUPTED
    names = [*(path.name for path, _ in broken), *(run.name for run in failed)]
    if names:
        raise RunFailed(f"{len(names)} of {len(plan.configs)} runs failed: {', '.join(names)}")
    still_open: Sequence[str] = [run.name for run in runs if run.status() != "done"]
    if still_open:
        print(f"not done, and left to other processes: {', '.join(map(printable, still_open))}", file=sys.stderr)
        return OPEN_ELSEWHERE
    return when_done()
