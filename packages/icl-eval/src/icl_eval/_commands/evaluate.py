"""``icl-eval evaluate``: checkpoints measured again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from icl_data.foundation.command_line import DONE, CommandFailed
from icl_data.foundation.paths import user_path
from icl_data.foundation.printable import printable
from icl_eval._commands.output import files_together, say, table_file, why_not_written
from icl_eval._runs import each_once, require_checkpoints, run_names
from icl_eval._tables.evaluations import Measured, evaluation_rows, evaluation_table, short_names
from icl_eval._tables.files import TABLE_WRITERS, rows_as_json
from icl_train import HEADLINES, RunError, RunFolder
from icl_train.command_line import parse, show_table, shown_width

__all__ = ["evaluate"]

PROG = "icl-eval evaluate"
DEFAULT_FILE = "evaluation.csv"
WIDE = 120  # columns at which what was measured is said in full


@dataclass(frozen=True)
class EvaluateCommand:
    """Measure checkpoints of runs, each on its own class split: a table and a file."""

    runs: Annotated[
        tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN [RUN ...]", help_behavior_hint="")
    ]
    """The run folders."""
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
    """File for the rows of all runs, .csv or .json; default: evaluation.csv in each run's folder, with its own."""
    json: bool = False
    """Print the rows as JSON instead of the table; nothing else goes to stdout."""


def evaluate(args: Sequence[str]) -> int:
    """Run the command; returns the exit code.

    Args:
        args: what follows ``evaluate``.
    """
    command = parse(EvaluateCommand, args, prog=PROG)
    if command.all_checkpoints and command.step is not None:
        raise ValueError("give --all-checkpoints or --step, not both")
    if command.batches is not None and command.batches < 1:
        raise ValueError(f"batches must be at least 1, got {command.batches}")
    runs = _runs(command.runs)
    steps = [_steps(run, command) for run in runs]
    outputs = [(table_file(command.out), runs)] if command.out else _own_files(runs)
    measured = _measure(runs, steps, command)
    try:
        with files_together([file for file, _ in outputs]) as places:
            for place, (_, of_runs) in zip(places, outputs, strict=True):
                TABLE_WRITERS[place.suffix.lower()](place, evaluation_rows([measured[run.path] for run in of_runs]))
    except CommandFailed:  # what has been measured is printed all the same
        _print(list(measured.values()), as_json=command.json, files=[])
        raise
    _print(list(measured.values()), as_json=command.json, files=[file for file, _ in outputs])
    return DONE


def _print(measured: Sequence[Measured], *, as_json: bool, files: Sequence[Path]) -> None:
    if as_json:
        print(rows_as_json(evaluation_rows(measured)))
        return
    narrow = shown_width() < WIDE
    show_table(evaluation_table(measured, short=narrow))
    if narrow:
        print(short_names(measured))
    for file in files:
        print(printable(file))


def _runs(paths: Sequence[Path]) -> list[RunFolder]:
    if not paths:
        raise ValueError(f"RUN must be one run folder or more, got none (see {PROG} --help)")
    runs = each_once([RunFolder.open(user_path(path)) for path in paths])
    for run in runs if len(runs) > 1 else []:  # before the first is measured; a single one says so itself
        if run.unusable:
            raise RunError(f"{run.path}: {run.unusable}")
    return runs


def _steps(run: RunFolder, command: EvaluateCommand) -> list[int]:
    steps = run.checkpoint_steps()
    if command.step is not None:
        steps = [command.step]
    elif not command.all_checkpoints:
        steps = steps[-1:]
    if not run.unusable:  # which is then said first
        require_checkpoints(run, steps)
    return steps


def _own_files(runs: Sequence[RunFolder]) -> list[tuple[Path, list[RunFolder]]]:
    """A file in each run's folder, but for those that cannot be written to: one line says so."""
    files = {run.path: run.path / DEFAULT_FILE for run in runs}
    refused = {path: why for path, file in files.items() if (why := why_not_written(file))}
    if refused:
        (first, why), others = next(iter(refused.items())), len(refused) - 1
        where = f"{first / DEFAULT_FILE}{f' and {others} more' if others else ''}"
        say(PROG, f"cannot write {where} ({why}); --out FILE takes the rows, and the table is printed all the same")
    return [(files[run.path], [run]) for run in runs if run.path not in refused]


def _measure(runs: Sequence[RunFolder], steps: Sequence[list[int]], command: EvaluateCommand) -> dict[Path, Measured]:
    from icl_eval._evaluate import evaluate_run  # PyTorch is imported when there is something to measure

    several = len(runs) > 1
    measured = {}
    for run, name, chosen in zip(runs, run_names(runs), steps, strict=True):

        def tell(step: int, name: str = name, chosen: Sequence[int] = chosen) -> None:
            if several or len(chosen) > 1:
                print(
                    printable(f"{name}: step {step} measured" if several else f"step {step} measured"), file=sys.stderr
                )

        records = evaluate_run(
            run,
            steps=chosen,
            splits=command.splits,
            batches=command.batches or run.config.eval.batches,
            protocol=command.protocol or run.config.eval.protocol,
            device=command.device,
            done=tell,
        )
        measured[run.path] = Measured(name=name, records=records)
    return measured
