"""The command ``icl-train sweep NAME``: the runs of an experiment, at one of its scales."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from icl_data.foundation.command_line import DONE
from icl_data.foundation.printable import printable
from icl_models import Axis, ExperimentSpec, find_experiment
from icl_train._commands.defaults import default_config
from icl_train._commands.few_options import few_options
from icl_train._commands.sweeps.carry_out import carry_out, check_plot, draw
from icl_train._commands.sweeps.options import EXIT_CODES, SweepOptions, launcher_default
from icl_train._commands.sweeps.points import option_of, other_axes, refuse_varied
from icl_train._commands.sweeps.written import given_settings
from icl_train._experiments.runs import base_of, experiment_plan, scale_of
from icl_train._plans.combined import SEEDS
from icl_train._plans.plan import Plan
from icl_train.command_line import Page, given, parse
from icl_train.config import RunConfig

__all__ = ["sweep_experiment"]

Flat = tyro.conf.arg(name="")
Several = tyro.conf.UseAppendAction[tuple[tuple[str, ...], ...]]


@dataclass(frozen=True, kw_only=True)
class ExperimentCommand(SweepOptions):
    """Train the models of an experiment. The same command again goes on where it was.

    Every option of a run applies to all of its runs, on top of what the scale says. Exit codes: 0 all runs are done; 1
    some failed, and their reasons are the last lines; 2 a mistake in the command, nothing was made; 3 with --no-follow,
    other processes still train some; 130 interrupted, each run with a checkpoint. With --plot, icl-eval's own code when
    all runs are done.
    """

    scale: str
    """Size of the experiment: icl-train experiments NAME tells what each means."""
    vary: Annotated[Several, tyro.conf.arg(metavar="AXIS POINT ...")] = ()
    """An axis of the experiment with other points, by their labels or values; or any setting with its values, as one
    axis more. Once for each."""
    run_seeds: tuple[int, ...] | None = None
    """Seeds of weights and data, in place of the scale's."""
    sample: int | None = None
    """How often hyper-parameters are drawn at each point, where the scale draws some."""
    plot: bool = False
    """Draw the figures when all runs are done (needs icl-eval)."""
    config_file: Annotated[Path | None, tyro.conf.arg(name="config")] = None
    """File of settings (JSON, TOML, YAML), or a run, that go on top of the scale; options go on top of both."""
    config: Annotated[RunConfig, Flat] = field(default_factory=RunConfig)


def sweep_experiment(name: str, args: Sequence[str]) -> int:
    """Run the command; the exit code.

    Args:
        name: of the experiment.
        args: what follows it.
    """
    spec = find_experiment(name)
    scale = given(args, "--scale") or _usual_scale(spec)
    scale_of(spec, scale)
    config = default_config(args, base_of(spec, scale))
    default = ExperimentCommand(config=config, scale=scale, **launcher_default(args))
    command = parse(ExperimentCommand, args, prog=f"icl-train sweep {name}", default=default, page=_page(spec, args))
    fixed = given_settings(args, command.config)
    axes = other_axes(spec, scale, command.vary, command.config, fixed)
    refuse_varied(spec, axes, fixed)
    if command.sample is not None and not spec.scales[scale].draws:
        raise ValueError(
            f"--sample needs an experiment that draws hyper-parameters, which {name} at scale {scale} does not "
            "(icl-train sweep grid draws any, with --range and --choices)"
        )
    if command.plot:
        if not spec.figures:
            raise ValueError(f"--plot needs an experiment that names its figures, which {name} does not")
        check_plot(command)
    plan = experiment_plan(
        spec, scale, base=command.config, axes=axes, seeds=command.run_seeds, draws=command.sample, fixed=fixed
    )
    return carry_out(plan, command, when_done=lambda: _when_done(spec, scale, plan, command))


def _usual_scale(spec: ExperimentSpec) -> str:
    """The one that takes minutes, where there is one."""
    return "laptop" if "laptop" in spec.scales else next(iter(spec.scales))


def _when_done(spec: ExperimentSpec, scale: str, plan: Plan, command: ExperimentCommand) -> int:
    for figure in spec.figures:
        code = draw(figure, command.root, plot=command.plot)
        if code:
            return code
    own = {config.digest() for config in experiment_plan(spec, scale).configs}
    if spec.claims and own <= {config.digest() for config in plan.configs}:
        root = shlex.quote(str(command.root))
        print(printable(f"check the claims with: icl-eval claims {root} --experiment {spec.name}"))
    return DONE


def _points(axis: Axis) -> str:
    return ", ".join(point.label for point in axis.points)


def _page(spec: ExperimentSpec, args: Sequence[str]) -> Page:
    varied_more = [
        f"icl-train sweep {spec.name} --vary {axis.name.replace('_', '-')} "
        f"{' '.join(shlex.quote(point.label) for point in axis.points[:2])} --dry-run"
        for axis in spec.axes[:1]
    ]
    varied = {option_of(name) for axis in spec.axes for name in (*axis.settings, *SEEDS)}
    return Page(
        usage=[f"icl-train sweep {spec.name} [--scale {'|'.join(spec.scales)}] [--vary AXIS POINT ...] [options]"],
        listed=[("tests", spec.tests), *((axis.name, _points(axis)) for axis in spec.axes)],
        examples=[
            f"icl-train sweep {spec.name} --scale {_usual_scale(spec)} --run-seeds 0 1 2",
            *varied_more,
            f"icl-train experiments {spec.name}",
        ],
        few=["--scale", *(name for name in few_options(args) if name not in varied)],
        exit_codes=EXIT_CODES,
    )
