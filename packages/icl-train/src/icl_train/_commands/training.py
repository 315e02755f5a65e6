"""Training in this process, as ``run`` and ``resume`` do it, and in those that torchrun has started beside it."""

from __future__ import annotations

import shlex
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING

from icl_data.foundation.command_line import CommandFailed
from icl_data.foundation.printable import printable
from icl_models import PluginWarning
from icl_train._computing.launch import Launch, launched
from icl_train._distributed.parted import Parted
from icl_train._runs.folder import RunFailed, RunFolder

if TYPE_CHECKING:
    from icl_train._distributed.processes import Processes

__all__ = ["train_as_ensemble", "train_here", "train_together"]

_processes: ContextVar[Processes | None] = ContextVar("processes", default=None)
"""This process, the first, and the others; None where it is alone."""


def train_here(run: RunFolder) -> int:
    """Train a run to its end, with the other processes where there are some; the exit code.

    PyTorch is imported now, when there is something to train.
    """
    if run.config.train.engine == "ensemble":
        return train_as_ensemble([run])
    try:
        from icl_train._commands.allocator import keep_freed_memory
        from icl_train._loop import train
        from icl_train._runs.progress import reporter_for

        keep_freed_memory()
        processes = _processes.get()
        if processes is not None:
            processes.from_first(run)
        train(run, reporter_for(sys.stdout), processes)
    except KeyboardInterrupt:
        print(printable(f"interrupted; {_how_to_go_on(run)}"), file=sys.stderr)
        return 130
    except Parted as parted:
        raise CommandFailed(f"{parted}; {_how_to_go_on(run)}") from parted
    print(f"{printable(run.path)}: done")
    return 0


def train_as_ensemble(runs: Sequence[RunFolder]) -> int:
    """Train runs of one shape together; the exit code, 1 if one of them has failed.

    PyTorch is imported now, when there is something to train.
    """
    if launched() is not None:
        raise ValueError("train.engine must be another than ensemble in several processes, got ensemble")
    try:
        from icl_train._commands.allocator import keep_freed_memory
        from icl_train._ensemble.reporter import reporter_of_each
        from icl_train._ensemble.together import train_together

        keep_freed_memory()
        failures = train_together(runs, reporter_of_each(runs, sys.stdout))
    except KeyboardInterrupt:
        print(printable(f"interrupted; {_how_to_go_on(*runs)}"), file=sys.stderr)
        return 130
    for error in failures.values():
        if isinstance(error, RunFailed):
            print(printable(f"error: {error}"), file=sys.stderr)
        else:  # a fault of the program
            traceback.print_exception(error)
    for run in runs:
        if run.path not in failures:
            print(f"{printable(run.path)}: done")
    return 1 if failures else 0


def _how_to_go_on(*runs: RunFolder) -> str:
    return f"go on with: icl-train resume {' '.join(shlex.quote(str(run.path)) for run in runs)}"


def train_together(command: Callable[[Sequence[str]], int], args: Sequence[str], launch: Launch) -> int:
    """Run a command in the first of several processes, and let the others train with it; the exit code.

    Args:
        command: what comes to `train_here` for one run at most.
        args: its arguments.
        launch: what this process is told.
    """
    from icl_train._distributed.joined import joined

    with joined(launch) as processes:
        if launch.rank:
            return _follow(processes)
        token = _processes.set(processes)
        try:
            return command(args)
        finally:
            _processes.reset(token)


def _follow(processes: Processes) -> int:
    from icl_train._commands.allocator import keep_freed_memory
    from icl_train._engines.following import follow

    warnings.simplefilter("ignore", PluginWarning)  # the first process says it
    try:
        run: RunFolder | None = processes.from_first(None)
        assert run is not None
        keep_freed_memory()
        follow(run, processes)
    except KeyboardInterrupt:  # the first process says how to go on
        return 130
    except Parted as parted:
        if parted.code is None:
            raise
        raise SystemExit(parted.code) from parted
    return 0
