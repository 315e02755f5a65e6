"""What a sweep would do: its runs, how many, and how long they will take on this machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from icl_data.foundation.command_line import DONE
from icl_data.foundation.printable import printable
from icl_models import find_launcher
from icl_train._commands.sweeps.options import SweepOptions
from icl_train._plans.plan import Plan
from icl_train._runs.folder import RunError, RunFolder, available_cores
from icl_train._runs.lasting import lasting
from icl_train._runs.pace import duration_text
from icl_train._sweeps.estimate import Left, as_ensembles, seconds_to_start, sweep_seconds, timed, to_time
from icl_train._sweeps.sweep import checked, default_jobs
from icl_train._watching.state import state_of
from icl_train._watching.view import RunView
from icl_train.command_line import show_table
from icl_train.config import RunConfig

__all__ = ["dry_run", "tell_size"]


def dry_run(plan: Plan, options: SweepOptions) -> int:
    """List the runs, and on this machine the time they will take; nothing is made. The exit code.

    Args:
        plan: the runs.
        options: of the sweep.

    Raises:
        ValueError: if a run could not be made.
        OSError: if a folder could not be made.
    """
    elsewhere = not find_launcher(options.launcher).here
    paths, devices = checked(plan, options.root, elsewhere=elsewhere)
    tell_size(plan)
    table = Table(box=None, pad_edge=False)
    for heading in ("run", "state", "steps", f"folder in {printable(options.root)}"):
        table.add_column(heading, overflow="fold")
    jobs = options.jobs or (1 if elsewhere else default_jobs(plan.configs))
    shared = max(1, available_cores() // jobs)
    left: list[Left] = []
    for config, label, path, device in zip(plan.configs, plan.labels, paths, devices, strict=True):
        state, done, saved = _state(path, config)
        steps = f"{done} of {config.train.max_steps}" if done else f"{config.train.max_steps}"
        table.add_row(label, state, steps, printable(path.name))
        if state not in ("done", "broken", "running"):
            left.append(Left(config, saved, device, config.train.threads or shared))
    show_table(table)
    sys.stdout.flush()
    time = f", {_time(as_ensembles(left, members=options.members), jobs)}" if left and not elsewhere else ""
    print(f"{len(left)} of {len(plan.configs)} runs to train{time}")
    return DONE


def tell_size(plan: Plan) -> None:
    """How many runs there are, and which were left out; on stderr, as stdout may hold commands alone."""
    stream = lasting(sys.stderr)
    if plan.size:
        print(f"{len(plan.configs)} run{'' if len(plan.configs) == 1 else 's'}: {plan.size}", file=stream)
    if plan.repeated:
        told = "; ".join(plan.repeated[:3]) + ("; ..." if len(plan.repeated) > 3 else "")
        print(f"left out, as another is the same run: {len(plan.repeated)} ({told})", file=stream)


def _state(path: Path, config: RunConfig) -> tuple[str, int, int]:
    """What the run is, updates that are done, and those that need not be made again."""
    if not path.exists():
        return "new", 0, 0
    try:
        run = RunFolder.open(path).require_same(config)
        status = state_of(run)
        if status == "done" and run.is_done_and_whole():
            return status, config.train.max_steps, config.train.max_steps
        if status == "done":
            status = "damaged"
        view = RunView(run)
        view.look()
        return status, view.step, max(run.checkpoint_steps(), default=0)
    except RunError as error:
        print(printable(f"{path}: {error}"), file=lasting(sys.stderr))
        return "broken", 0, 0


def _time(left: Sequence[Left], jobs: int) -> str:
    chosen = to_time(left)
    told = "it" if len(left) == 1 else f"{len(chosen)} of them"
    print(f"timing a few updates of {told} ...", file=lasting(sys.stderr), flush=True)
    seconds = sweep_seconds(left, timed(chosen), jobs=jobs, start=seconds_to_start())
    return f"about {duration_text(seconds)} on this machine, {jobs} at a time"
