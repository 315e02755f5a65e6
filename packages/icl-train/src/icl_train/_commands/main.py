"""The ``icl-train`` command: run, sweep, resume, status."""

from __future__ import annotations

import importlib.util
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich import box
from rich.table import Table

from icl_train._commands.allocator import keep_freed_memory
from icl_train._loop import train
from icl_train._runs.departures import departures
from icl_train._runs.folder import RunError, RunFailed, RunFolder, available_cores, find_runs
from icl_train._runs.progress import reporter_for
from icl_train._sweeps.sweep import check, figure3a, launch, prepare, run_name
from icl_train._task import resolve_device
from icl_train.command_line import given, nearest, one_line_errors, parse, show_table, shown_width
from icl_train.config import RunConfig
from icl_train.evaluation import HEADLINES
from icl_train.presets import PRESETS, chan2022, laptop, with_source

__all__ = ["main"]

USAGE = """\
usage: icl-train run PRESET [options]       train one model
       icl-train sweep figure3a [options]   train one model per class count
       icl-train resume RUN                 go on with an interrupted run
       icl-train status RUNS                what has been trained, and how well

Presets:
{presets}

Options of run and sweep: icl-train run PRESET --help, icl-train sweep figure3a --help"""

WIDE = 120
IN_THE_NAME = ("data.source", "data.n_rare_classes", "seeds.init", "seeds.data")
STATUS_LEGEND = """\
ICL: two-way accuracy on new classes (chance 1/2). IWL: accuracy over all labels
without the class in context (chance 1/labels). Intervals: metrics.jsonl"""

GAUSSIAN_CLASS_COUNTS = (100, 512, 1024, 2048, 8192)
OMNIGLOT_CLASS_COUNTS = (100, 200, 400, 800, 1600)

# Options of a run that a sweep varies, and what says how
_SWEPT = {"--data.n-rare-classes": "--class-counts", "--seeds.init": "--run-seeds", "--seeds.data": "--run-seeds"}

Flat = tyro.conf.arg(name="")


@dataclass(frozen=True, kw_only=True)
class RunCommand:
    """Train one model."""

    root: Path = Path("runs")
    """Folder that the run folder is made in."""
    name: str | None = None
    """Name of the run folder; default: from the preset and the settings."""
    config: Annotated[RunConfig, Flat] = field(default_factory=RunConfig)


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
    config: Annotated[RunConfig, Flat] = field(default_factory=RunConfig)


def main() -> int:
    """Entry point of ``icl-train``."""
    return one_line_errors(_main, "icl-train")


def _main(args: Sequence[str]) -> int:
    commands: dict[str, Callable[[Sequence[str]], int]] = {
        "run": _run,
        "sweep": _sweep,
        "resume": _resume,
        "status": _status,
    }
    if not args or args[0] in ("-h", "--help"):
        width = max(map(len, PRESETS))
        presets = "\n".join(f"  {name:<{width}}  {(make.__doc__ or '').strip()}" for name, make in PRESETS.items())
        print(USAGE.format(presets=presets))
        return 0 if args else 2
    return commands[_choice("command", args[0], commands)](args[1:])


def _choice(what: str, name: str, known: Any) -> str:
    if name not in known:
        raise ValueError(f"{what} must be one of {', '.join(known)}, got {name!r}{nearest(name, list(known))}")
    return name


def _source(args: Sequence[str]) -> str | None:
    return given(args, "--data.source", "--example-type") or ("omniglot" if given(args, "--data.omniglot") else None)


def _with_components(config: RunConfig, args: Sequence[str]) -> RunConfig:
    """The defaults that other options then refer to: the source, and the components whose settings are options."""
    source = _source(args) or config.data.source
    if source != config.data.source:
        config = with_source(config, source)
    model: dict[str, Any] = {}
    for part in ("embedder", "sequence_model"):
        name = given(args, f"--model.{part.replace('_', '-')}")
        if name:
            model |= {part: name, f"{part}_config": None}
    if model.get("sequence_model", config.model.sequence_model) != config.model.sequence_model:
        model |= {"num_heads": None, "hidden_size": None}
    config = replace(config, model=replace(config.model, **model)) if model else config
    tracker = given(args, "--train.tracker")
    if tracker is not None:
        tracker = None if tracker == "None" else tracker  # as tyro reads it
        config = replace(config, train=replace(config.train, tracker=tracker, tracker_config=None))
    return config


def _run(args: Sequence[str]) -> int:
    if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help")):
        raise ValueError(f"icl-train run needs a preset, one of {', '.join(PRESETS)}")
    if args[0] in ("-h", "--help"):
        print(f"usage: icl-train run PRESET [options], PRESET one of {', '.join(PRESETS)}")
        print("options: icl-train run PRESET --help")
        return 0
    preset = PRESETS[_choice("preset", args[0], PRESETS)]()
    default = RunCommand(config=_with_components(preset, args))
    command = parse(RunCommand, args[1:], prog=f"icl-train run {args[0]}", default=default)
    config = command.config
    path = command.root / (command.name or f"{config.preset}-{run_name(config)}")
    if path.exists():
        raise RunError(
            f"a new run needs a folder that does not exist, got {path} "
            f"(go on with it: icl-train resume {shlex.quote(str(path))}; or give another --name)"
        )
    check(config)
    device = str(resolve_device(config.train.device))
    run = RunFolder.create(path, config, device=device, threads=config.train.threads or available_cores())
    return _train(run)


def _resume(args: Sequence[str]) -> int:
    @dataclass(frozen=True)
    class Resume:
        """Go on with an interrupted run from its newest checkpoint."""

        run: tyro.conf.Positional[Path]
        """The run folder."""

    run = RunFolder.open(parse(Resume, args, prog="icl-train resume").run)
    if run.status() == "done":
        print(f"{run.path}: done already")
        return 0
    return _train(run)


def _train(run: RunFolder) -> int:
    keep_freed_memory()
    try:
        train(run, reporter_for(sys.stdout))
    except KeyboardInterrupt:
        print(f"interrupted; go on with: icl-train resume {shlex.quote(str(run.path))}", file=sys.stderr)
        return 130
    print(f"{run.path}: done")
    return 0


def _figure3a_default(args: Sequence[str]) -> Figure3aCommand:
    preset = given(args, "--preset")
    if preset is not None:
        base = PRESETS[_choice("preset", preset, PRESETS)]()
    elif (_source(args) or "gaussian") == "gaussian":
        base = laptop()
    else:
        base = chan2022()
        base = replace(base, train=replace(base.train, max_steps=50_000))
    base = _with_components(base, args)
    counts = GAUSSIAN_CLASS_COUNTS if base.data.source == "gaussian" else OMNIGLOT_CLASS_COUNTS
    return Figure3aCommand(config=base, class_counts=counts, preset=preset)


def _sweep(args: Sequence[str]) -> int:
    if not args or args[0] in ("-h", "--help"):
        print("usage: icl-train sweep figure3a [options]; options: icl-train sweep figure3a --help")
        return 0 if args else 2
    _choice("sweep", args[0], ("figure3a",))
    for option, instead in _SWEPT.items():
        if given(args, option) is not None:
            raise ValueError(f"{option} cannot be set in a sweep, which sets it for each run: use {instead}")
    command = parse(Figure3aCommand, args[1:], prog="icl-train sweep figure3a", default=_figure3a_default(args[1:]))
    if command.jobs is not None and command.jobs < 1:
        raise ValueError(f"jobs must be at least 1, got {command.jobs}")
    if not command.class_counts or not command.run_seeds:
        raise ValueError("a sweep needs at least one class count and one seed")
    if command.plot and command.launcher == "commands":
        raise ValueError("--plot needs --launcher local: with commands the runs are trained later, elsewhere")
    if command.plot and importlib.util.find_spec("icl_eval") is None:
        raise ValueError("--plot needs icl-eval, which is not installed: pip install icl-eval")
    configs = figure3a(command.config, class_counts=command.class_counts, seeds=command.run_seeds)
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


def _status_row(run: RunFolder) -> list[str]:
    records = run.records()
    last = {record["split"]: record for record in records}
    scores = [
        f"{record[HEADLINES[split].metric]:.3f}" if (record := last.get(f"eval_{split}")) else "-"
        for split in ("fewshot_holdout", "no_support_zipfian")
    ]
    step = max((record["step"] for record in records), default=0)
    return [run.name, run.status(), f"{step}", f"{run.config.train.max_steps}", *scores]


def _status(args: Sequence[str]) -> int:
    @dataclass(frozen=True)
    class StatusCommand:
        """A table of the runs below a folder: state, steps, and the last evaluation."""

        runs: tyro.conf.Positional[Path] = Path("runs")
        """The folder."""

    runs, broken = find_runs(parse(StatusCommand, args, prog="icl-train status").runs)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("run", overflow="fold")
    for column in ("state", "step", "of", "ICL", "IWL"):
        table.add_column(column, justify="left" if column == "state" else "right", no_wrap=True)
    wide = shown_width() >= WIDE
    if wide:
        table.add_column("differs in", overflow="fold")
    told_apart = departures([run.config for run in runs], left_out=IN_THE_NAME)
    for run, differences in zip(runs, told_apart, strict=True):
        try:
            told = " ".join([f"{name}={value}" for name, value in differences.items()][:3])
            table.add_row(*_status_row(run), *([told] if wide else []))
        except (ValueError, KeyError, TypeError) as error:
            broken.append((run.path, f"cannot read its metrics.jsonl ({type(error).__name__}: {error})"))
    show_table(table)
    if runs:
        print(STATUS_LEGEND)
    for run in runs:
        if run.unusable:
            print(f"{run.path}: {run.unusable}")
    for path, reason in broken:
        print(f"skipped {path}: {reason}")
    if not runs:
        print("no runs found")
    return 0
