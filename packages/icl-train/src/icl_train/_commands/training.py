"""Training in this process, as ``run`` and ``resume`` do it, and in those that torchrun has started beside it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING

from icl_data.foundation.command_line import CommandFailed
from icl_data.foundation.printable import printable
from icl_train._computing.launch import Launch
from icl_train._distributed.parted import Parted
from icl_train._runs.folder import RunFolder

if TYPE_CHECKING:
    from icl_train._distributed.processes import Processes

__all__ = ["train_here", "train_together"]

_processes: ContextVar[Processes | None] = ContextVar("processes", default=None)
"""This process, the first, and the others; None where it is alone."""


def train_here(run: RunFolder) -> int:
    """Train a run to its end, with the other processes where there are some; the exit code.

    PyTorch is imported now, when there is something to train.
    """
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


def _how_to_go_on(run: RunFolder) -> str:
    return f"go on with: icl-train resume {shlex.quote(str(run.path))}"


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
