"""The ``icl-eval`` command: figures, and evaluations of checkpoints."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import tyro
from rich import box
from rich.table import Table

from icl_eval._evaluate import evaluate_run
from icl_eval._figures.figure3 import FIGURES, draw
from icl_eval._runs import collect, group_runs
from icl_eval._tables.tables import evaluation_row, figure_table, final_rows, timeseries_rows, write_csv
from icl_train import HEADLINES, RunError, RunFolder, headline_of
from icl_train.command_line import nearest, one_line_errors, parse, show_table

__all__ = ["main"]

USAGE = """\
usage: icl-eval FIGURE RUNS [options]    draw a figure of the paper from the runs below a folder
       icl-eval evaluate RUN [options]   measure the checkpoints of a run again
       icl-eval figures                  list the figures

Figures:
{figures}

Options: icl-eval figure3a --help, icl-eval evaluate --help"""


@dataclass(frozen=True)
class FigureCommand:
    """Draw the figure (PNG and PDF), write its numbers (CSV), and print the last values."""

    runs: tyro.conf.Positional[Path] = Path("runs")
    """A folder with run folders at any depth."""
    out: Path | None = None
    """Folder for the files; default: the runs' folder."""
    unfinished: bool = False
    """Take runs that have not reached their last step, too, as far as they are."""


@dataclass(frozen=True)
class EvaluateCommand:
    """Measure checkpoints of a run on its own class split; print a table and write it as CSV."""

    run: tyro.conf.Positional[Path]
    """The run folder."""
    all_checkpoints: bool = False
    """Every checkpoint, instead of the last alone."""
    step: int | None = None
    """The checkpoint of this step, instead of the last."""
    splits: tuple[str, ...] = tuple(HEADLINES)
    """What to measure: fewshot_holdout, flipped, novel_label, no_support_zipfian, or another type of sequence."""
    batches: int | None = None
    """Batches of the run's batch size per split; default: as in training."""
    protocol: Literal["paper", "released"] | None = None
    """How sequences are drawn; default: as in training."""
    device: str = "auto"
    """cpu, cuda, … or auto."""
    out: Path | None = None
    """CSV file; default: evaluation.csv in the run folder."""


def main() -> int:
    """Entry point of ``icl-eval``."""
    return one_line_errors(_main, "icl-eval")


def _main(args: Sequence[str]) -> int:
    commands: dict[str, Callable[[Sequence[str]], int]] = {name: partial(_figure, name) for name in FIGURES}
    commands |= {"evaluate": _evaluate, "figures": _figures}
    if not args or args[0] in ("-h", "--help"):
        print(USAGE.format(figures=_list_of_figures()))
        return 0 if args else 2
    if args[0] not in commands:
        raise ValueError(
            f"command must be one of {', '.join(commands)}, got {args[0]!r}{nearest(args[0], list(commands))}"
        )
    return commands[args[0]](args[1:])


def _list_of_figures() -> str:
    return "\n".join(f"  {spec.name}  {spec.title}" for spec in FIGURES.values())


def _figures(args: Sequence[str]) -> int:
    if args:
        raise ValueError(f"icl-eval figures takes no arguments, got {' '.join(args)}")
    print(_list_of_figures())
    return 0


def _figure(name: str, args: Sequence[str]) -> int:
    spec = FIGURES[name]
    command = parse(FigureCommand, args, prog=f"icl-eval {name}")
    series, skipped = collect(command.runs, unfinished=command.unfinished)
    for line in skipped:
        print(line, file=sys.stderr)
    usable = [one for one in series if any(spec.split in evaluation.splits for evaluation in one.evaluations)]
    if not usable:
        raise RunError(
            f"{name} needs at least one finished run with evaluations of {spec.split}, found none below {command.runs}"
        )
    groups = group_runs(usable)
    out = command.out or command.runs
    _make_folder(out)
    files = [out / f"{name}.png", out / f"{name}.pdf"]
    draw(spec, groups, files)
    files += [out / f"{name}_metrics.csv", out / f"{name}_timeseries.csv"]
    write_csv(files[2], final_rows(groups))
    write_csv(files[3], timeseries_rows(groups))
    for group in groups:
        print(f"{HEADLINES[spec.split].label}\n{group.title}")
        show_table(figure_table(spec, group))
    for file in files:
        print(file)
    return 0


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"--out must be a folder, or one that can be made, got {path} ({error.strerror})") from error


def _evaluate(args: Sequence[str]) -> int:
    command = parse(EvaluateCommand, args, prog="icl-eval evaluate")
    run = RunFolder.open(command.run)
    if command.all_checkpoints and command.step is not None:
        raise ValueError("give --all-checkpoints or --step, not both")
    if command.batches is not None and command.batches < 1:
        raise ValueError(f"batches must be at least 1, got {command.batches}")
    steps = run.checkpoint_steps()
    if command.step is not None:
        steps = [command.step]
    elif not command.all_checkpoints:
        steps = steps[-1:]
    out = command.out or run.path / "evaluation.csv"
    if out.is_dir() or not out.parent.is_dir():
        raise ValueError(f"--out must be a file in a folder that exists, got {out}")
    records = evaluate_run(
        run,
        steps=steps,
        splits=command.splits,
        batches=command.batches or run.config.eval.batches,
        protocol=command.protocol or run.config.eval.protocol,
        device=command.device,
        done=lambda step: print(f"step {step} measured", file=sys.stderr) if len(steps) > 1 else None,
    )
    rows = []
    table = Table(title=f"{run.name}", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("step", justify="right")
    table.add_column("measured")
    for column in ("accuracy", "95% interval", "chance", "sequences"):
        table.add_column(column, justify="right", no_wrap=True)
    for step in steps:
        splits = {r["split"].removeprefix("eval_"): r for r in records if r["step"] == step}
        for split, record in splits.items():
            metric = record["headline"]
            table.add_row(
                f"{step}",
                headline_of(split).label,
                f"{record[metric]:.3f}",
                f"{record[f'{metric}_low']:.3f}-{record[f'{metric}_high']:.3f}",
                f"{record['chance']:.3g}",
                f"{record['n_sequences']}",
            )
        rows.append(
            {"run": run.name, "step": step, "sequences": step * run.config.train.batch_size} | evaluation_row(splits)
        )
    write_csv(out, rows)
    show_table(table)
    print(out)
    return 0
