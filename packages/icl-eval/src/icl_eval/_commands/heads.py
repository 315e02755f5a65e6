"""``icl-eval heads``: what the attention heads of a run's model do."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from icl_data.foundation.command_line import DONE, FAILED
from icl_data.foundation.printable import printable
from icl_eval._commands.one_run import (
    check_name,
    one_run,
    output_folder,
    pictures,
    told_interventions,
    without,
    write_all,
)
from icl_eval._tables.files import Row, rows_as_csv, rows_as_json, rows_of, write_csv
from icl_train import RunFolder
from icl_train.command_line import parse, show_table
from icl_train.config import read_evaluations

if TYPE_CHECKING:
    import pandas as pd

    from icl_eval._heads.maps import MapPicture
    from icl_eval._heads.patterns import AttentionPattern

__all__ = ["heads"]

PROG = "icl-eval heads"
ALL = "all"
MOST = 1_000_000  # of sequences
Head = tuple[int, int]


@dataclass(frozen=True)
class HeadsCommand:
    """Scores of every attention head of a run's model, at one checkpoint or along training."""

    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """The run folder."""
    steps: tuple[str, ...] = ()
    """Checkpoints: their steps, or all; default: the last."""
    split: str = "fewshot_holdout"
    """The evaluation whose sequences are looked at: a name, or NAME:base=NAME,setting=value,…"""
    sequences: int = 1000
    """How many of them."""
    ablate: Literal["zero", "mean"] | None = None
    """Take out each head, attention, MLP and layer, too, at the last of the steps: what it adds becomes zero, or its
    mean over the sequences."""
    show: tuple[int, ...] = (0, 1, 2, 3)
    """Numbers of the sequences whose attention is drawn, from 0."""
    heads: tuple[str, ...] = ()
    """Heads whose attention is drawn, LAYER.HEAD; default: those with the greatest previous-token and induction
    scores."""
    device: str = "auto"
    """cpu, cuda, … or auto."""
    trust: bool = False
    """Import a source of somebody's own code (data.source module:factory) of a run that no command of yours made."""
    without_interventions: bool = False
    """Look at the model by itself, without what model.interventions does to it at that step."""
    name: str = "heads"
    """What the files are called."""
    out: Path | None = None
    """Folder for the files; default: the run's."""
    style: Literal["notebook", "paper", "talk"] = "notebook"
    """Sizes for a notebook or screen, for a column of a paper, for a slide."""
    json: bool = False
    """Print all numbers as JSON instead of tables; nothing else goes to stdout."""
    csv: bool = False
    """Print all numbers as CSV instead of tables; nothing else goes to stdout."""


def heads(args: Sequence[str]) -> int:
    """Run the command; returns the exit code.

    Args:
        args: what follows ``heads``.
    """
    command = parse(HeadsCommand, args, prog=PROG)
    steps, chosen = _check(command)
    run = one_run(command.run)
    folder, why = output_folder(command.out, run, command.name, prog=PROG)
    from icl_eval._heads.patterns import attention_patterns, heads_to_show
    from icl_eval._heads.runs import measure_heads, steps_of

    steps_of(run, steps)
    frame = measure_heads(
        run,
        steps=steps,
        split=command.split,
        sequences=command.sequences,
        ablate=command.ablate,
        device=command.device,
        trust=command.trust,
        interventions=not command.without_interventions,
        left_out=lambda line: print(printable(line), file=sys.stderr),
    )
    last = int(frame["step"].max())
    patterns = attention_patterns(
        run,
        heads=chosen or heads_to_show(frame),
        sequences=command.show,
        step=last,
        split=command.split,
        device=command.device,
        trust=command.trust,
        interventions=not command.without_interventions,
    )
    files: list[Path] = []
    if folder is not None:
        files = _write(frame, patterns, run, command, folder)
    _print(frame, run, command, files)
    return FAILED if why else DONE


def _check(command: HeadsCommand) -> tuple[list[int] | Literal["all"] | None, list[Head]]:
    """The mistakes that show without any run; the steps and the heads that are meant."""
    if command.json and command.csv:
        raise ValueError("give --json or --csv, not both")
    if not 1 <= command.sequences <= MOST:
        raise ValueError(f"sequences must be at least 1 and at most {MOST}, got {command.sequences}")
    if not command.show or not all(0 <= number < MOST for number in command.show):
        told = ", ".join(map(str, command.show)) or "none"
        raise ValueError(f"--show must be numbers of sequences from 0 to {MOST - 1}, got {told}")
    try:
        read_evaluations([command.split])
    except ValueError as error:
        raise ValueError(f"--split: {error}") from None
    check_name(command.name)
    chosen = []
    for text in command.heads:
        if not re.fullmatch(r"[0-9]{1,6}\.[0-9]{1,6}", text):
            raise ValueError(f"--heads must be LAYER.HEAD, such as 1.3, got {text!r}")
        layer, _, head = text.partition(".")
        chosen.append((int(layer), int(head)))
    if command.steps == (ALL,):
        return "all", chosen
    for text in command.steps:
        if not re.fullmatch(r"[0-9]{1,10}", text):
            raise ValueError(f"--steps must be steps of checkpoints, or all, got {text!r}")
    return ([int(text) for text in command.steps] or None), chosen


def _write(
    frame: pd.DataFrame,
    patterns: Sequence[AttentionPattern],
    run: RunFolder,
    command: HeadsCommand,
    folder: Path,
) -> list[Path]:
    from icl_eval._drawing.heat import draw_maps
    from icl_eval._drawing.page import draw
    from icl_eval._heads import maps
    from icl_eval._heads.curves import training_picture
    from icl_eval._heads.patterns import pattern_rows

    last = int(frame["step"].max())
    blank = frame.attrs["blank"]
    split = frame["split"].iloc[0]
    notes = [f"Means over {command.sequences} sequences of {split}."]
    notes += [f"No {measure.replace('_', ' ')}: {reason}." for measure, reason in blank.items()]
    notes += [
        f"{told[0].upper()}{told[1:]}." for told in told_interventions(run, last, bare=command.without_interventions)
    ]
    at = f"{run.name}, step {last}"
    name = command.name
    writes: list[tuple[Sequence[str], Callable[[Sequence[Path]], object]]] = []

    def add(picture: MapPicture) -> None:
        writes.append((pictures(picture.name), lambda places: draw_maps(picture, places, style=command.style)))

    add(maps.score_maps(frame, name=name, title=f"Attention heads: {at}", notes=notes))
    add(
        maps.attention_maps(
            patterns,
            name=f"{name}_attention",
            title=f"Attention: {at}",
            notes=[
                f"Sequences of {split}. c17 is an item of class 17, y3 the token of label 3; the query is last; "
                "bold: the right label."
            ],
        )
    )
    if frame["step"].nunique() > 1:
        curves = training_picture(
            frame,
            name=f"{name}_training",
            title=f"Attention heads along training: {run.name}",
            batch=run.config.train.batch_size,
            notes=(*notes, "Named: the heads that move most; dashed: guessing, or attention to all tokens alike."),
        )
        writes.append((pictures(curves.name), lambda places: draw(curves, places, style=command.style)))
    if frame["measure"].str.startswith("ablation_").any():
        kind = {"zero": "Output set to zero.", "mean": "Output set to its mean at each position."}[
            command.ablate or "zero"
        ]
        add(maps.ablation_maps(frame, name=f"{name}_ablation", title=f"Ablation: {at}", notes=[kind]))
    if (frame["kind"] == "pair").any():
        note = "Ratio of norms, less that of random matrices (Elhage et al. 2021)."
        add(maps.composition_maps(frame, name=f"{name}_composition", title=f"Composition: {at}", notes=[note]))
    writes.append(([f"{name}.csv"], lambda places: write_csv(places[0], _rows(frame, run, command))))
    writes.append(([f"{name}_attention.csv"], lambda places: write_csv(places[0], pattern_rows(patterns))))
    return write_all(folder, writes)


def _rows(frame: pd.DataFrame, run: RunFolder, command: HeadsCommand) -> list[Row]:
    return [row | without(run, command.without_interventions) for row in rows_of(frame)]


def _print(frame: pd.DataFrame, run: RunFolder, command: HeadsCommand, files: Sequence[Path]) -> None:
    if command.json:
        print(rows_as_json(_rows(frame, run, command)))
        return
    if command.csv:
        print(rows_as_csv(_rows(frame, run, command)), end="")
        return
    from icl_eval._tables.heads import (
        ablation_table,
        composition_table,
        heads_left_out,
        scores_table,
        whole_lines,
    )

    last = frame[frame["step"] == frame["step"].max()]
    for line in whole_lines(last).split("\n"):
        print(printable(line))
    for line in told_interventions(run, int(last["step"].iloc[0]), bare=command.without_interventions):
        print(printable(line))
    print()
    show_table(scores_table(last))
    for measure, reason in frame.attrs["blank"].items():
        print(printable(f"no {measure.replace('_', ' ')}: {reason}"))
    left = heads_left_out(last)
    if left:
        print(f"left out: {left} heads with smaller scores ({command.name}.csv has all)")
    for table in (ablation_table(last), composition_table(last)):
        if table is not None:
            print()
            show_table(table)
    print()
    for file in files:
        print(printable(file))
