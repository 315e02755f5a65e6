"""The command ``icl-train resume``: go on with a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import tyro

from icl_data.foundation.printable import printable
from icl_train._check_settings import check_settings
from icl_train._commands.training import train_as_ensemble, train_here
from icl_train._life.going_on import tell_of_missing
from icl_train._life.longer import changed, check_change
from icl_train._making.trusted import is_made_here, remember_source, require_trusted_tracker
from icl_train._runs.folder import RunFolder
from icl_train._runs.parent import end_with_stdin
from icl_train._watching.taking_over import take_over
from icl_train.command_line import parse
from icl_train.config import EngineName

__all__ = ["resume"]


@dataclass(frozen=True)
class ResumeCommand:
    """Go on with a run from its newest checkpoint, or with several of one shape together, as an ensemble.

    An interrupted run goes on where it was; a finished one becomes longer with --max-steps. Should the newest
    checkpoint be damaged, or records before it, the newest one that is intact is taken, and a line says so.
    """

    run: tyro.conf.Positional[tuple[Path, ...]]
    """The run folder; of runs that are trained together (--engine ensemble), all of theirs."""
    end_with_stdin: bool = False
    """End, with a checkpoint, when the standard input ends: the run cannot outlive what started it with a pipe."""
    take_over: float | None = None
    """Wait for another process that trains the run to end; one on another machine from which nothing has come for so
    many seconds is taken for dead. Give more than an evaluation takes; default: end with an error."""
    max_steps: int | None = None
    """Updates in all, another number than the run was made for. It becomes what it would have been from the start."""
    device: str | None = None
    """Where to go on: cpu, cuda, cuda:1, …, or auto; default: as when the run was made."""
    engine: EngineName | None = None
    """How updates are made from here on: auto, eager, compiled, graph, fused, or ensemble; default: as when the run was
    made. Several runs are an ensemble."""
    trust: bool = False
    """Import a source of somebody's own code (data.source module:factory), and let a tracker do what it is told (such
    as write to train.tracker_config.folder), although no command of yours made this run here."""


def resume(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    command = parse(ResumeCommand, args, prog="icl-train resume")
    if command.take_over is not None and not 0 <= command.take_over < math.inf:
        raise ValueError(f"take-over must be a number of seconds, at least 0, got {command.take_over}")
    if command.end_with_stdin:
        end_with_stdin()
    _check_several(command)
    if len(command.run) == 1:
        run = _readied(command.run[0], command)
        return 0 if run is None else train_here(run)
    runs = [_readied(path, command) for path in command.run]
    left = [run for run in runs if run is not None]
    return train_as_ensemble(left) if left else 0


def _check_several(command: ResumeCommand) -> None:
    """That each run is given once, and that several have the engine that trains several."""
    if len(command.run) > 1 and command.engine not in (None, "ensemble"):
        raise ValueError(f"engine must be ensemble for several runs, got {command.engine}")
    there = [path.expanduser().resolve() for path in command.run]
    for place, path in enumerate(there):
        if path in there[:place]:
            raise ValueError(f"each run must be given once, got {command.run[place]} again")


def _readied(path: Path, command: ResumeCommand) -> RunFolder | None:
    """The run, with the settings that it goes on with; None if it is at its end already, which is said."""
    run = RunFolder.open(path)
    if command.take_over is not None:
        take_over(run, patience=command.take_over)
    config = changed(run.config, max_steps=command.max_steps, device=command.device, engine=command.engine)
    if config.train.max_steps == run.config.train.max_steps and run.is_done_and_whole():
        tell_of_missing(run)
        print(f"{printable(run.path)}: done already")
        return None
    if not command.trust:
        run.require_trusted()
        require_trusted_tracker(run.path, run.config.flat(), allowed_by="--trust")
    run.require_components()
    check_change(run, config)
    check_settings(config)  # what cannot be trained here shows before PyTorch is imported
    if config != run.config:
        from icl_train._computing.device import resolve_device
        from icl_train._engines.choose import engine_for

        engine_for(config, resolve_device(config.train.device))
        made_here = is_made_here(run.path, run.config.flat())
        run = replace(run, config=config)
        if made_here:  # a longer run is another one
            remember_source(run.path, run.config.flat())
    return run
