"""The command ``icl-train sweep figure3a``: a model per number of trained classes, and seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import tyro

from icl_train._commands.defaults import default_config, source_given
from icl_train._commands.few_options import few_options
from icl_train._commands.sweeps.carry_out import carry_out, check_plot, draw
from icl_train._commands.sweeps.options import EXIT_CODES, SweepOptions, launcher_default
from icl_train._making.initial import with_initial_weights
from icl_train._options.choice import choice
from icl_train._plans.figure3a import figure3a
from icl_train._plans.plan import Plan
from icl_train.command_line import Page, given, parse
from icl_train.config import RunConfig
from icl_train.presets import PRESETS, chan2022, laptop

__all__ = ["sweep_figure3a"]

GAUSSIAN_CLASS_COUNTS = (100, 512, 1024, 2048, 8192)
OMNIGLOT_CLASS_COUNTS = (100, 200, 400, 800, 1600)

# Options of a run that a sweep varies, and what says how
_SWEPT = {"--data.n-rare-classes": "--class-counts", "--seeds.init": "--run-seeds", "--seeds.data": "--run-seeds"}

Flat = tyro.conf.arg(name="")


@dataclass(frozen=True, kw_only=True)
class Figure3aCommand(SweepOptions):
    """Train a model per class count and seed, for figures 3a and 3b. The same command again goes on where it was.

    Exit codes: 0 all runs are done; 1 some failed, and their reasons are the last lines; 2 a mistake in the command,
    nothing was made; 3 with --no-follow, other processes still train some; 130 interrupted (Ctrl+C, or SIGTERM, SIGHUP,
    SIGUSR1, SIGUSR2), each run with a checkpoint. With --plot, icl-eval's own code when all runs are done.
    """

    class_counts: tuple[int, ...] = OMNIGLOT_CLASS_COUNTS
    """Numbers of trained classes."""
    run_seeds: tuple[int, ...] = (0,)
    """Seeds of weights and data; one run per class count and seed."""
    plot: bool = False
    """Draw the figure when all runs are done (needs icl-eval)."""
    preset: str | None = None
    """Preset to start from; default: laptop for Gaussian classes, chan2022 with 50,000 steps otherwise."""
    config_file: Annotated[Path | None, tyro.conf.arg(name="config")] = None
    """File of settings (JSON, TOML, YAML), or a run, whose settings are taken; options go on top."""
    config: Annotated[RunConfig, Flat] = field(default_factory=RunConfig)


def _figure3a_default(args: Sequence[str]) -> Figure3aCommand:
    preset = given(args, "--preset")
    base: RunConfig | None = None
    if preset is not None:
        base = PRESETS[choice("preset", preset, PRESETS)]()
    elif given(args, "--config") is not None:
        base = None
    elif (source_given(args) or "gaussian") == "gaussian":
        base = laptop()
    else:
        base = chan2022()
        base = replace(base, train=replace(base.train, max_steps=50_000))
    config = default_config(args, base)
    counts = GAUSSIAN_CLASS_COUNTS if config.data.source == "gaussian" else OMNIGLOT_CLASS_COUNTS
    return Figure3aCommand(config=config, class_counts=counts, preset=preset, **launcher_default(args))


def _page(args: Sequence[str]) -> Page:
    return Page(
        usage=["icl-train sweep figure3a [options]"],
        examples=[
            "icl-train sweep figure3a --class-counts 100 1024 8192 --run-seeds 0 1 2",
            "icl-train sweep figure3a --data.omniglot FOLDER --max-steps 20000",
        ],
        few=[name for name in few_options(args) if name not in _SWEPT],
        exit_codes=EXIT_CODES,
    )


def sweep_figure3a(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    for option, instead in _SWEPT.items():
        if given(args, option) is not None:
            raise ValueError(f"{option} cannot be set in a sweep, which sets it for each run: use {instead}")
    command = parse(
        Figure3aCommand, args, prog="icl-train sweep figure3a", default=_figure3a_default(args), page=_page(args)
    )
    if not command.class_counts or not command.run_seeds:
        raise ValueError("a sweep needs at least one class count and one seed")
    if command.plot:
        check_plot(command)
    configs = figure3a(with_initial_weights(command.config), class_counts=command.class_counts, seeds=command.run_seeds)
    return carry_out(Plan.of(configs), command, when_done=lambda: draw("figure3a", command.root, plot=command.plot))
