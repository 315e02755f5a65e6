"""Carrying out a sweep: its runs are made and trained, or only listed, as the options that sweeps share say."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from icl_data.foundation.command_line import DONE, INTERRUPTED, CommandFailed
from icl_data.foundation.extras import require_extra
from icl_data.foundation.printable import printable
from icl_models import LauncherError, LauncherSpec, find_launcher
from icl_train._commands.sweeps.dry_run import dry_run, tell_size
from icl_train._commands.sweeps.options import SweepOptions
from icl_train._plans.plan import Plan
from icl_train._runs.folder import RunFailed, RunFolder
from icl_train._runs.interrupt import GRACE_SECONDS
from icl_train._runs.lasting import lasting
from icl_train._sweeps.cost import longest_first
from icl_train._sweeps.jobs import job_of
from icl_train._sweeps.sweep import default_jobs, launch, prepare
from icl_train._sweeps.teams import teams_of
from icl_train._watching.state import state_of

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
    _check_members(plan, options)
    if options.dry_run:
        return dry_run(plan, options)
    spec = find_launcher(options.launcher)
    spec.check(options.launcher_config)
    _check_elsewhere(options, spec)
    if not spec.asked:
        return _hand_over(plan, options, spec)
    return _train(plan, options, when_done)


def check_plot(options: SweepOptions) -> None:
    """Raise ValueError where ``--plot`` could not draw when the runs are done."""
    spec = find_launcher(options.launcher)
    if not spec.asked or (spec.outlives and not options.follow):
        raise ValueError(
            f"--plot needs --launcher local, or one that is followed: with {options.launcher} the runs are trained "
            "later, elsewhere"
        )
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


def _check_members(plan: Plan, options: SweepOptions) -> None:
    if options.members is not None and all(config.train.engine != "ensemble" for config in plan.configs):
        raise ValueError(f"members must be left out where no run has --engine ensemble, got {options.members}")


def _check_elsewhere(options: SweepOptions, spec: LauncherSpec) -> None:
    """Raise ValueError for options of a sweep that does not train, or end, its runs itself."""
    idle = {"grace": options.grace != GRACE_SECONDS} if spec.outlives or not spec.asked else {}
    if not spec.asked:
        idle |= {"follow": not options.follow, "stall-minutes": options.stall_minutes is not None}
    for name in (name for name, is_given in idle.items() if is_given):
        value = getattr(options, name.replace("-", "_"))
        whose = f"--launcher {options.launcher}, whose jobs go on without the sweep"
        raise ValueError(f"{name} must be left out with {whose}, got {value}")


def _hand_over(plan: Plan, options: SweepOptions, spec: LauncherSpec) -> int:
    """To a launcher that cannot be asked after its jobs."""
    launcher = spec.build(options.launcher_config, options.jobs)
    runs = prepare(plan, options.root, elsewhere=not spec.here, threads=spec.threads(options.launcher_config))
    tell_size(plan)
    left: list[RunFolder] = []
    for run in longest_first(runs):
        if state_of(run) == "running":
            print(f"{printable(run.path)}: running, left out", file=sys.stderr)
        elif not run.is_done_and_whole():
            left.append(run)
    if left:
        teams = teams_of(left, lambda run: run.config, members=options.members)
        launcher.submit([job_of(team, here=True) for team in teams])
    launcher.close()
    return DONE


def _train(plan: Plan, options: SweepOptions, when_done: Callable[[], int]) -> int:
    spec = find_launcher(options.launcher)
    broken: list[tuple[Path, str]] = []
    runs = prepare(
        plan,
        options.root,
        jobs=options.jobs,
        elsewhere=not spec.here,
        threads=spec.threads(options.launcher_config),
        broken=broken,
    )
    tell_size(plan)
    jobs = options.jobs or (default_jobs(plan.configs) if spec.here else None)
    try:
        failed = launch(
            runs,
            jobs=jobs,
            stream=sys.stdout,
            launcher=options.launcher,
            launcher_config=options.launcher_config,
            plan=plan,
            broken=broken,
            grace=options.grace,
            follow=options.follow,
            stall_minutes=options.stall_minutes,
            members=options.members,
        )
    except LauncherError as error:
        raise CommandFailed(f"launcher {options.launcher!r}: {error}") from error
    except KeyboardInterrupt:
        print("interrupted; the same command goes on", file=lasting(sys.stderr))
        return INTERRUPTED
    names = [*(path.name for path, _ in broken), *(run.name for run in failed)]
    if names:
        raise RunFailed(f"{len(names)} of {len(plan.configs)} runs failed: {', '.join(names)}")
    still_open: Sequence[str] = [run.name for run in runs if run.status() != "done"]
    if still_open:
        whom = f"jobs of {options.launcher}" if spec.outlives else "other processes"
        print(f"not done, and left to {whom}: {', '.join(map(printable, still_open))}", file=sys.stderr)
        return OPEN_ELSEWHERE
    return when_done()
