"""The command ``icl-train sweep``: train the models of an experiment."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from icl_data.foundation.extras import require_extra
from icl_train._commands.choice import choice
from icl_train._commands.defaults import default_config, source_given
from icl_train._commands.few_options import few_options
from icl_train._making.initial import with_initial_weights
from icl_train._runs.folder import RunFailed, available_cores
from icl_train._sweeps.sweep import figure3a, launch, prepare
from icl_train.command_line import Page, given, parse
from icl_train.config import RunConfig
from icl_train.presets import PRESETS, chan2022, laptop

__all__ = ["sweep"]

GAUSSIAN_CLASS_COUNTS = (100, 512, 1024, 2048, 8192)
OMNIGLOT_CLASS_COUNTS = (100, 200, 400, 800, 1600)

# Options of a run that a sweep varies, and what says how
_SWEPT = {"--data.n-rare-classes": "--class-counts", "--seeds.init": "--run-seeds", "--seeds.data": "--run-seeds"}

Flat = tyro.conf.arg(name="")


@dataclass(frozen=True, kw_only=True)
class Figure3aCommand:
    """Train a model per class count and seed, for figures 3a and 3b. The same command again goes on where it was."""

    class_counts: tuple[int, ...] = OMNIGLOT_CLASS_COUNTS
    """Numbers of trained classes."""
    run_seeds: tuple[int, ...] = (0,)
    """Seeds of weights and data; one run per class count and seed."""
    root: Path = Path("runs")
    """Folder that the run folders are made in."""
    jobs: int | None = None
    """Runs at a time; default: one per core on the CPU, one on a GPU."""
    launcher: Literal["local", "commands"] = "local"
    """Train here, or make the run folders and print one command per run for a cluster's scheduler."""
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
    return Figure3aCommand(config=config, class_counts=counts, preset=preset)


def _page(args: Sequence[str]) -> Page:
    return Page(
        usage=["icl-train sweep figure3a [options]"],
        examples=[
            "icl-train sweep figure3a --class-counts 100 1024 8192 --run-seeds 0 1 2",
            "icl-train sweep figure3a --data.omniglot FOLDER --max-steps 20000",
        ],
        few=[name for name in few_options(args) if name not in _SWEPT],
    )


def sweep(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    if not args:
        raise ValueError("icl-train sweep needs what to sweep: figure3a (see icl-train sweep figure3a --help)")
    if args[0] in ("-h", "--help", "--help-all"):
        print("usage: icl-train sweep figure3a [options]; options: icl-train sweep figure3a --help")
        return 0
    choice("sweep", args[0], ("figure3a",))
    for option, instead in _SWEPT.items():
        if given(args, option) is not None:
            raise ValueError(f"{option} cannot be set in a sweep, which sets it for each run: use {instead}")
    command = parse(
        Figure3aCommand,
        args[1:],
        prog="icl-train sweep figure3a",
        default=_figure3a_default(args[1:]),
        page=_page(args[1:]),
    )
    if command.jobs is not None and command.jobs < 1:
        raise ValueError(f"jobs must be at least 1, got {command.jobs}")
    if not command.class_counts or not command.run_seeds:
        raise ValueError("a sweep needs at least one class count and one seed")
    if command.plot and command.launcher == "commands":
        raise ValueError("--plot needs --launcher local: with commands the runs are trained later, elsewhere")
    if command.plot:
        require_extra("icl_eval", "icl-eval", "--plot")
    configs = figure3a(with_initial_weights(command.config), class_counts=command.class_counts, seeds=command.run_seeds)
    from icl_train._task import resolve_device

    on_cpu = resolve_device(command.config.train.device).type == "cpu"
    jobs = command.jobs or (min(len(configs), available_cores()) if on_cpu else 1)
    if command.launcher == "commands":
        for run in prepare(configs, command.root, jobs=None):
            if run.status() == "done":
                continue
            print(shlex.join(["icl-train", "resume", str(run.path)]))
        return 0
    runs = prepare(configs, command.root, jobs=jobs)
    try:
        failed = launch(runs, jobs=jobs, stream=sys.stdout)
    except KeyboardInterrupt:
        print("interrupted; the same command goes on", file=sys.stderr)
        return 130
    if failed:
        raise RunFailed(f"{len(failed)} of {len(runs)} runs failed: {', '.join(run.name for run in failed)}")
    if command.plot:
        return subprocess.run([sys.executable, "-m", "icl_eval", "figure3a", str(command.root)], check=False).returncode
    print(f"draw the figure with: icl-eval figure3a {shlex.quote(str(command.root))}")
    return 0
