"""The command ``icl-train experiments``: which there are, what they take here, and what they claim."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import tyro

from icl_data.foundation.command_line import DONE, nearest
from icl_models import ExperimentSpec, find_experiment, known_experiments
from icl_train._experiments.runs import experiment_plan, scale_of
from icl_train._experiments.telling import Taking, as_json, in_full, in_short
from icl_train._plans.plan import Plan
from icl_train._runs.lasting import lasting
from icl_train.command_line import parse

__all__ = ["experiments"]


@dataclass(frozen=True)
class ExperimentsCommand:
    """List the experiments with their runs, and how long they would take here; or some of them in full, by name."""

    names: tyro.conf.Positional[tuple[str, ...]] = ()
    """Experiments to tell of in full; default: a list of all."""
    scale: str | None = None
    """Tell of this scale alone."""
    time: bool = True
    """Time a few updates to say how long it would take; --no-time answers at once."""
    json: bool = False
    """Print it as JSON, for programs (the keys are in the README)."""


def experiments(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    command = parse(ExperimentsCommand, args, prog="icl-train experiments")
    specs = [find_experiment(name) for name in dict.fromkeys(command.names or known_experiments())]
    specs = _with_scale(specs, command.scale, named=bool(command.names))
    plans = {spec.name: _plans(spec, command.scale) for spec in specs}
    if command.time:
        print("timing a few updates of each kind of run (--no-time answers at once) ...", file=lasting(sys.stderr))
    seconds = _timing() if command.time else lambda plan: None
    takings = {spec.name: {scale: _taking(plan, seconds) for scale, plan in plans[spec.name].items()} for spec in specs}
    if command.json:
        print(json.dumps([as_json(spec, takings[spec.name]) for spec in specs], indent=1))
        return DONE
    if command.names:
        print("\n\n".join(in_full(spec, takings[spec.name]) for spec in specs))
    else:
        print(in_short({spec.name: (spec, takings[spec.name]) for spec in specs}))
        print("\nIn full: icl-train experiments NAME. Train: icl-train sweep NAME --scale SCALE")
    if command.time:
        from icl_train._experiments.estimate import HOW

        print(f"\n{HOW}")
    return DONE


def _with_scale(specs: Sequence[ExperimentSpec], scale: str | None, *, named: bool) -> list[ExperimentSpec]:
    """Those that have the scale that is asked for; where they were named, all must."""
    if scale is None:
        return list(specs)
    if named:
        for spec in specs:
            scale_of(spec, scale)
    found = [spec for spec in specs if scale in spec.scales]
    if not found:
        known = list(dict.fromkeys(name for spec in specs for name in spec.scales))
        raise ValueError(f"--scale must be one of {', '.join(known)}, got {scale!r}{nearest(scale, known)}")
    return found


def _plans(spec: ExperimentSpec, only: str | None) -> dict[str, Plan | str]:
    """Scale → its runs, or why there are none: a plugin's experiment may have settings that do not exist."""
    found: dict[str, Plan | str] = {}
    for scale in spec.scales:
        if only in (None, scale):
            try:
                found[scale] = experiment_plan(spec, scale)
            except ValueError as error:
                found[scale] = str(error)
    return found


def _taking(plan: Plan | str, seconds: Callable[[Plan], float | None]) -> Taking:
    if isinstance(plan, str):
        return Taking(problem=plan)
    steps = [config.train.max_steps for config in plan.configs]
    try:
        return Taking(folders=plan.names, steps=(min(steps), max(steps)), seconds=seconds(plan))
    except ValueError as error:  # a device, or a model of a plugin, that cannot be had
        return Taking(problem=str(error))


def _timing() -> Callable[[Plan], float]:
    from icl_train._commands.allocator import keep_freed_memory
    from icl_train._experiments.estimate import Stopwatch  # PyTorch is imported when something is timed

    keep_freed_memory()  # as training does
    stopwatch = Stopwatch()
    return lambda plan: stopwatch.seconds(plan.configs)
