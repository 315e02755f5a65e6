"""The command ``icl-train sweep``: train the models of an experiment."""

from __future__ import annotations

import math
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from icl_data.foundation.command_line import DONE, INTERRUPTED
from icl_data.foundation.extras import require_extra
from icl_data.foundation.printable import printable
from icl_train._commands.choice import choice
from icl_train._commands.defaults import default_config, source_given
from icl_train._commands.few_options import few_options
from icl_train._making.initial import with_initial_weights
from icl_train._runs.folder import RunFailed
from icl_train._runs.interrupt import GRACE_SECONDS
from icl_train._runs.lasting import lasting
from icl_train._sweeps.cost import longest_first
from icl_train._sweeps.sweep import default_jobs, figure3a, launch, prepare
from icl_train.command_line import Page, given, parse
from icl_train.config import RunConfig
from icl_train.presets import PRESETS, chan2022, laptop

__all__ = ["sweep"]

OPEN_ELSEWHERE = 3
"""Exit code where nothing failed, and other processes still train runs of the sweep."""

GAUSSIAN_CLASS_COUNTS = (100, 512, 1024, 2048, 8192)
OMNIGLOT_CLASS_COUNTS = (100, 200, 400, 800, 1600)

# Options of a run that a sweep varies, and what says how
_SWEPT = {"--data.n-rare-classes": "--class-counts", "--seeds.init": "--run-seeds", "--seeds.data": "--run-seeds"}

Flat = tyro.conf.arg(name="")


@dataclass(frozen=True, kw_only=True)
class Figure3aCommand:
    """Train a model per class count and seed, for figures 3a and 3b. The same command again goes on where it was.

    Exit codes: 0 all runs are done; 1 some failed, and their reasons are the last lines; 2 a mistake in the command,
    nothing was made; 3 with --no-follow, other processes still train some; 130 interrupted (Ctrl+C, or SIGTERM, SIGHUP,
    SIGUSR1, SIGUSR2), each run with a checkpoint. With --plot, icl-eval's own code when all runs are done.
    """

    class_counts: tuple[int, ...] = OMNIGLOT_CLASS_COUNTS
    """Numbers of trained classes."""
    run_seeds: tuple[int, ...] = (0,)
    """Seeds of weights and data; one run per class count and seed."""
    root: Path = Path("runs")
    """Folder that the run folders are made in."""
    jobs: int | None = None
    """Runs at a time; default: one per core on the CPU, one on a GPU."""
    launcher: Literal["local", "commands"] = "local"
    """Train here, or make the run folders and print one command per run for a cluster's scheduler. Device and model are
    checked where a run is trained: here need be no GPU."""
    follow: bool = True
    """Follow runs that other processes train to their end, and take over what those leave."""
    grace: float = GRACE_SECONDS
    """Seconds for a checkpoint when the sweep is interrupted; a run that has not ended by then is killed."""
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


EXIT_CODES = (
    ("0", "all runs are done"),
    ("1", "some failed, and their reasons are the last lines"),
    ("2", "a mistake in the command, nothing was made"),
    ("3", "with --no-follow: other processes still train some"),
    ("130", "interrupted, each run with a checkpoint"),
)


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


def sweep(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    if not args:
        raise ValueError("icl-train sweep needs what to sweep: figure3a (see icl-train sweep figure3a --help)")
    if args[0] in ("-h", "--help", "--help-all"):
        print("usage: icl-train sweep figure3a [options]; options: icl-train sweep figure3a --help")
        return DONE
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
    if not 0 <= command.grace < math.inf:
        raise ValueError(f"grace must be a number of seconds, at least 0, got {command.grace}")
    if not command.class_counts or not command.run_seeds:
        raise ValueError("a sweep needs at least one class count and one seed")
    if command.plot and command.launcher == "commands":
        raise ValueError("--plot needs --launcher local: with commands the runs are trained later, elsewhere")
    if command.plot:
        require_extra("icl_eval", "icl-eval", "--plot")
    configs = figure3a(with_initial_weights(command.config), class_counts=command.class_counts, seeds=command.run_seeds)
    if command.launcher == "commands":
        return _print_commands(configs, command.root)
    return _train(command, configs)


def _print_commands(configs: Sequence[RunConfig], root: Path) -> int:
    for run in longest_first(prepare(configs, root, elsewhere=True)):
        status = run.status()
        if status == "running":
            print(f"{printable(run.path)}: running, left out", file=sys.stderr)
        elif status != "done":
            print(shlex.join(["icl-train", "resume", str(run.path)]))
    return DONE


def _train(command: Figure3aCommand, configs: Sequence[RunConfig]) -> int:
    broken: list[tuple[Path, str]] = []
    runs = prepare(configs, command.root, jobs=command.jobs, broken=broken)
    jobs = command.jobs or default_jobs(configs)
    try:
        failed = launch(runs, jobs=jobs, stream=sys.stdout, broken=broken, grace=command.grace, follow=command.follow)
    except KeyboardInterrupt:
        print("interrupted; the same command goes on", file=lasting(sys.stderr))
        return INTERRUPTED
    names = [*(path.name for path, _ in broken), *(run.name for run in failed)]
    if names:
        raise RunFailed(f"{len(names)} of {len(configs)} runs failed: {', '.join(names)}")
    still_open = [run.name for run in runs if run.status() != "done"]
    if still_open:
        print(f"not done, and left to other processes: {', '.join(map(printable, still_open))}", file=sys.stderr)
        return OPEN_ELSEWHERE
    if command.plot:
        return _plot(command.root)
    print(f"draw the figure with: icl-eval figure3a {shlex.quote(str(command.root))}")
    return DONE


def _plot(root: Path) -> int:
    """Draw, by the command that people draw with; its exit code, or 128 and the number of the signal that ended it."""
    sys.stdout.flush()
    # -P: an icl_eval.py in this folder is not icl-eval.
    code = subprocess.run([sys.executable, "-P", "-m", "icl_eval", "figure3a", str(root)], check=False).returncode
    return code if code >= 0 else 128 - code
