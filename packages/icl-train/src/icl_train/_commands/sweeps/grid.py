"""The command ``icl-train sweep grid``: a run for each combination of any settings' values."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from icl_data.foundation.command_line import DONE
from icl_train._commands.choice import choice
from icl_train._commands.defaults import default_config
from icl_train._commands.few_options import few_options
from icl_train._commands.sweeps.carry_out import carry_out
from icl_train._commands.sweeps.options import EXIT_CODES, SweepOptions
from icl_train._commands.sweeps.written import given_settings, read_axes, read_choices, read_ranges
from icl_train._plans.plan import planned
from icl_train.command_line import Page, given, parse
from icl_train.config import RunConfig
from icl_train.presets import PRESETS, described_presets

__all__ = ["sweep_grid"]

Flat = tyro.conf.arg(name="")
Several = tyro.conf.UseAppendAction[tuple[tuple[str, ...], ...]]


@dataclass(frozen=True, kw_only=True)
class GridCommand(SweepOptions):
    """Train a model for each combination of settings. The same command again goes on where it was.

    A setting is given as an option of `icl-train run` has it, without the dashes: data.p-bursty, model.sequence-model,
    max-steps. Every other option of a run applies to all of them. Exit codes: 0 all runs are done; 1 some failed, and
    their reasons are the last lines; 2 a mistake in the command, nothing was made; 3 with --no-follow, other processes
    still train some; 130 interrupted, each run with a checkpoint.
    """

    vary: Annotated[Several, tyro.conf.arg(metavar="SETTING VALUE ...")] = ()
    """A setting and its values; once for each setting: all combinations are trained."""
    zip: bool = False
    """Pair the settings' values, the first with the first and so on, in place of all combinations."""
    run_seeds: tuple[int, ...] | None = None
    """Seeds of weights and data; each combination is trained with each."""
    sample: int | None = None
    """How often hyper-parameters are drawn from --range and --choices; the same draws for every combination."""
    range: Annotated[Several, tyro.conf.arg(metavar="SETTING LOW HIGH [log]")] = ()
    """A setting to draw from LOW to HIGH; evenly, or with log in its logarithm."""
    choices: Annotated[Several, tyro.conf.arg(metavar="SETTING VALUE ...")] = ()
    """A setting to draw from these values."""
    sample_seed: int = 0
    """Seed of the draws."""
    preset: str | None = None
    """Preset to start from, if it is not the first argument."""
    config_file: Annotated[Path | None, tyro.conf.arg(name="config")] = None
    """File of settings (JSON, TOML, YAML), or a run, whose settings are taken; options go on top."""
    config: Annotated[RunConfig, Flat] = field(default_factory=RunConfig)


def sweep_grid(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    preset = args[0] if args and not args[0].startswith("-") else None
    options = args if preset is None else args[1:]
    named = given(options, "--preset")
    if preset is not None and named is not None:
        raise ValueError(f"a sweep starts from one preset, got {preset} and --preset {named}")
    preset = named if preset is None else preset
    if preset is None and given(args, "--config") is None and not {"-h", "--help", "--help-all"} & set(args):
        raise ValueError(
            f"icl-train sweep grid needs a preset, one of {', '.join(PRESETS)}, or a file of settings: --config"
        )
    base = None if preset is None else PRESETS[choice("preset", preset, PRESETS)]()
    default = GridCommand(config=default_config(options, base), preset=preset)
    prog = "icl-train sweep grid" if preset is None else f"icl-train sweep grid {preset}"
    command = parse(GridCommand, options, prog=prog, default=default, page=_page(preset, options))
    fixed = given_settings(options, command.config)
    plan = planned(
        command.config,
        read_axes(command.vary, command.config, fixed),
        seeds=command.run_seeds,
        zipped=command.zip,
        ranges=[*read_ranges(command.range), *read_choices(command.choices, command.config, fixed)],
        draws=0 if command.sample is None else command.sample,
        sample_seed=command.sample_seed,
        fixed=fixed,
    )
    return carry_out(plan, command, when_done=lambda: _done(command.root))


def _done(root: Path) -> int:
    print(f"how well they do: icl-train status {shlex.quote(str(root))}")
    return DONE


def _page(preset: str | None, options: Sequence[str]) -> Page:
    name = preset or "PRESET"
    example = preset or "laptop"
    return Page(
        usage=[f"icl-train sweep grid {name} --vary SETTING VALUE ... [--vary SETTING VALUE ...] [options]"],
        listed=[] if preset else described_presets(),
        examples=[
            f"icl-train sweep grid {example} --vary data.p-bursty 0 0.5 1 --vary model.sequence-model transformer lstm",
            f"icl-train sweep grid {example} --zip --vary model.emb-dim 32 64 --vary optim.max-lr 3e-3 1e-3",
            f"icl-train sweep grid {example} --sample 10 --range optim.max-lr 1e-4 1e-2 log --run-seeds 0 1",
        ],
        few=few_options(options),
        defaults=preset is not None,
        exit_codes=EXIT_CODES,
    )
