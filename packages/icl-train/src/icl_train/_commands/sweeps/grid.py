"""The command ``icl-train sweep grid``: a run for each combination of any settings' values."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from icl_data.foundation.command_line import DONE
from icl_data.foundation.printable import printable
from icl_train._commands.defaults import default_config
from icl_train._commands.few_options import few_options
from icl_train._commands.sweeps.carry_out import carry_out
from icl_train._commands.sweeps.options import EXIT_CODES, SweepOptions, launcher_default
from icl_train._commands.sweeps.written import given_settings, read_axes, read_choices, read_ranges
from icl_train._options.choice import choice
from icl_train._plans.plan import planned
from icl_train.command_line import Page, given, parse
from icl_train.config import RunConfig
from icl_train.presets import PRESETS, described_presets

__all__ = ["sweep_grid"]

_GRID = ("--vary", "--zip", "--run-seeds", "--sample", "--range", "--choices", "--sample-seed")

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
    default = GridCommand(config=default_config(options, base), preset=preset, **launcher_default(options))
    prog = "icl-train sweep grid" if preset is None else f"icl-train sweep grid {preset}"
    command = parse(GridCommand, options, prog=prog, default=default, page=_page(preset, options))
    _check_what_varies(command, sample_seed=given(options, "--sample-seed"))
    fixed = given_settings(options, command.config)
    plan = planned(
        command.config,
        read_axes(command.vary, command.config, fixed),
        seeds=command.run_seeds,
        zipped=command.zip,
        ranges=[*read_ranges(command.range), *read_choices(command.choices, command.config)],
        draws=command.sample or 0,
        sample_seed=command.sample_seed,
        fixed=fixed,
    )
    return carry_out(plan, command, when_done=lambda: _done(command.root))


def _check_what_varies(command: GridCommand, *, sample_seed: str | None) -> None:
    drawn = [*command.range, *command.choices]
    if command.sample is not None and command.sample < 1:
        raise ValueError(f"--sample must be at least 1, got {command.sample}")
    if drawn and command.sample is None:
        raise ValueError("--range and --choices are drawn from: say how often with --sample N")
    if not drawn and (command.sample is not None or sample_seed is not None):
        raise ValueError("--sample and --sample-seed need something to draw from: --range or --choices")
    if not command.vary and not drawn and command.run_seeds is None:
        raise ValueError(
            "icl-train sweep grid needs something to vary, got nothing: --vary SETTING VALUE ..., "
            "--sample N with --range SETTING LOW HIGH, or --run-seeds"
        )
    if command.zip and len(command.vary) < 2:
        raise ValueError(f"--zip pairs the values of two settings or more, got {len(command.vary)}: --vary for each")


def _done(root: Path) -> int:
    print(printable(f"how well they do: icl-train status {shlex.quote(str(root))}"))
    return DONE


def _page(preset: str | None, options: Sequence[str]) -> Page:
    example = preset or "laptop"
    start = f"icl-train sweep grid {example}"
    return Page(
        usage=[f"icl-train sweep grid {preset or 'PRESET'} --vary SETTING VALUE ... [options]"],
        listed=[] if preset else described_presets(),
        examples=[
            f"{start} --vary data.p-bursty 0 0.5 1 --run-seeds 0 1",
            f"{start} --vary model.sequence-model transformer lstm \\\n    --vary data.zipf-exponent 0 1",
            f"{start} --zip --vary model.emb-dim 32 64 \\\n    --vary optim.max-lr 3e-3 1e-3",
            f"{start} --sample 10 --range optim.max-lr 1e-4 1e-2 log",
        ],
        few=[*_GRID, *(name for name in few_options(options) if name not in _GRID)],
        defaults=preset is not None,
        exit_codes=EXIT_CODES,
    )
