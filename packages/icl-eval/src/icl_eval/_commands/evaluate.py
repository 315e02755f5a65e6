"""``icl-eval evaluate``: checkpoints measured again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from icl_data.foundation.command_line import DONE, FAILED, CommandFailed
from icl_data.foundation.printable import printable
from icl_eval._commands.chosen_runs import chosen_runs, chosen_steps, require_one
from icl_eval._commands.output import files_together, say, table_file, why_not_written
from icl_eval._runs import run_names
from icl_eval._tables.evaluations import Measured, evaluation_rows, evaluation_table, short_names
from icl_eval._tables.files import TABLE_WRITERS, rows_as_csv, rows_as_json
from icl_train import RunFolder
from icl_train.command_line import parse, show_table, shown_width
from icl_train.config import read_evaluations

__all__ = ["evaluate"]

PROG = "icl-eval evaluate"
DEFAULT_FILE = "evaluation.csv"
ALL = "all"
MOST = 10_000_000  # of sequences that are drawn before the first is measured
WIDE = 120  # columns at which what was measured is said in full


@dataclass(frozen=True)
class EvaluateCommand:
    """Measure checkpoints of runs, each on its own class split: a table and a file."""

    runs: Annotated[
        tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN [RUN ...]", help_behavior_hint="")
    ]
    """The run folders, or folders above some."""
    all_checkpoints: bool = False
    """Every checkpoint, instead of the last alone."""
    step: int | None = None
    """The checkpoint of this step, instead of the last."""
    splits: tuple[str, ...] | None = None
    """What to measure: names (fewshot_holdout, flip, ciwl, …), NAME:base=NAME,setting=value,…, or all; default: as in
    training."""
    batches: int | None = None
    """Batches of the run's batch size per evaluation; default: as in training."""
    sequences: int | None = None
    """Sequences per evaluation, in place of batches; the last batch is cut."""
    protocol: Literal["paper", "released", "both"] | None = None
    """How sequences are drawn; default: as in training."""
    device: str = "auto"
    """cpu, cuda, … or auto."""
    trust: bool = False
    """Import sources of somebody's own code (data.source module:factory) of runs that no command of yours made."""
    without_interventions: bool = False
    """Measure the model by itself, without what model.interventions does to it at that step."""
    out: Path | None = None
    """File for the rows of all runs, .csv or .json; default: evaluation.csv in each run's folder, with its own."""
    json: bool = False
    """Print the rows as JSON instead of the table; nothing else goes to stdout."""
    csv: bool = False
    """Print the rows as CSV instead of the table; nothing else goes to stdout."""


def evaluate(args: Sequence[str]) -> int:
    """Run the command; returns the exit code.

    Args:
        args: what follows ``evaluate``.
    """
    command = parse(EvaluateCommand, args, prog=PROG)
    _check(command)
    runs = chosen_runs(command.runs, _skip)
    chosen = chosen_steps(runs, lambda run: _steps(run, command), _skip)
    require_one(chosen, "measured")
    out = table_file(command.out) if command.out else None
    outputs = [(out, [run for run, _ in chosen])] if out else _own_files([run for run, _ in chosen])
    measured, damaged = _measure(chosen, command, several=len(runs) > 1)
    require_one(measured, "measured")
    outputs = [(file, [run for run in of_runs if run.path in measured]) for file, of_runs in outputs]
    outputs = [(file, of_runs) for file, of_runs in outputs if of_runs]
    try:
        with files_together([file for file, _ in outputs]) as places:
            for place, (_, of_runs) in zip(places, outputs, strict=True):
                TABLE_WRITERS[place.suffix.lower()](place, evaluation_rows([measured[run.path] for run in of_runs]))
    except CommandFailed:  # what has been measured is printed all the same
        _print(list(measured.values()), command, files=[])
        raise
    _print(list(measured.values()), command, files=[file for file, _ in outputs])
    return FAILED if damaged else DONE


def _check(command: EvaluateCommand) -> None:
    """The mistakes that show without any run."""
    if command.all_checkpoints and command.step is not None:
        raise ValueError("give --all-checkpoints or --step, not both")
    if command.json and command.csv:
        raise ValueError("give --json or --csv, not both")
    if command.batches is not None and command.sequences is not None:
        raise ValueError("give --batches or --sequences, not both")
    for name in ("batches", "sequences"):
        value = getattr(command, name)
        if value is not None and not 1 <= value <= MOST:
            raise ValueError(f"{name} must be at least 1 and at most {MOST}, got {value}")
    if command.splits is not None and set(command.splits) != {ALL}:
        try:
            read_evaluations([split for split in command.splits if split != ALL])
        except ValueError as error:
            raise ValueError(f"--splits: {error}") from None
    if not command.runs:
        raise ValueError(f"RUN must be one run folder or more, got none (see {PROG} --help)")


def _skip(path: Path, reason: object) -> None:
    print(printable(f"skipped {path}: {reason}"), file=sys.stderr)


def _print(measured: Sequence[Measured], command: EvaluateCommand, *, files: Sequence[Path]) -> None:
    if command.json:
        print(rows_as_json(evaluation_rows(measured)))
        return
    if command.csv:
        print(rows_as_csv(evaluation_rows(measured)), end="")
        return
    narrow = shown_width() < WIDE
    show_table(evaluation_table(measured, short=narrow))
    if narrow:
        print(short_names(measured))
    for file in files:
        print(printable(file))


def _steps(run: RunFolder, command: EvaluateCommand) -> list[int]:
    if command.step is not None:
        return [command.step]
    steps = sorted({*run.checkpoint_steps(), *run.promised_checkpoints()})  # of one that is gone, no older one is taken
    return steps if command.all_checkpoints else steps[-1:]


def _own_files(runs: Sequence[RunFolder]) -> list[tuple[Path, list[RunFolder]]]:
    """A file in each run's folder, but for those that cannot be written to: one line says so."""
    files = {run.path: run.path / DEFAULT_FILE for run in runs}
    refused = {path: why for path, file in files.items() if (why := why_not_written(file))}
    if refused:
        (first, why), others = next(iter(refused.items())), len(refused) - 1
        where = f"{first / DEFAULT_FILE}{f' and {others} more' if others else ''}"
        say(PROG, f"cannot write {where} ({why}); --out FILE takes the rows, and the table is printed all the same")
    return [(files[run.path], [run]) for run in runs if run.path not in refused]


def _measure(
    chosen: Sequence[tuple[RunFolder, list[int]]], command: EvaluateCommand, *, several: bool
) -> tuple[dict[Path, Measured], bool]:
    """What was measured of each run, and whether a checkpoint is damaged.

    One of several that turns out not to be measurable is named and passed over.
    """
    from icl_eval._evaluate import (  # PyTorch is imported when there is something to measure
        CheckpointDamaged,
        evaluate_run,
    )

    measured, damaged = {}, False
    for (run, steps), name in zip(chosen, run_names([run for run, _ in chosen]), strict=True):

        def tell(line: str, name: str = name) -> None:
            print(printable(f"{name}: {line}" if several else line), file=sys.stderr)

        def done(step: int, steps: Sequence[int] = steps, tell: Callable[[str], None] = tell) -> None:
            if several or len(steps) > 1:
                tell(f"step {step} measured")

        try:
            records = evaluate_run(
                run,
                steps=steps,
                splits=command.splits,
                batches=command.batches,
                sequences=command.sequences,
                protocol=command.protocol or run.config.eval.protocol,
                device=command.device,
                trust=command.trust,
                interventions=not command.without_interventions,
                done=done,
                left_out=tell,
            )
        except (ValueError, ImportError, OSError, CommandFailed, MemoryError, OverflowError) as error:
            if not several:
                raise
            damaged |= isinstance(error, CheckpointDamaged)
            too_large = isinstance(error, (MemoryError, OverflowError))
            _skip(run.path, "what it asks for does not fit into memory" if too_large else error)
        else:
            bare = command.without_interventions and run.config.model.interventions is not None
            measured[run.path] = Measured(name=name, records=records, bare=bare)
    return measured, damaged
