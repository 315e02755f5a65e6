"""``icl-eval patch``: activation patching between clean and corrupted sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

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
from icl_eval._tables.files import rows_as_csv, rows_as_json, write_csv
from icl_train import RunFolder, read_evaluation
from icl_train.command_line import parse, show_table

if TYPE_CHECKING:
    from icl_eval._heads.patching import Patching

__all__ = ["patch"]

PROG = "icl-eval patch"
MOST = 100_000  # of sequences
_WORDS = ("labels", "query")


@dataclass(frozen=True)
class PatchCommand:
    """Put values of a clean pass into a corrupted one, at one site and token at a time: which carry the answer."""

    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """The run folder."""
    clean: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[CLEAN]")] = "fewshot_holdout"
    """The clean evaluation: a name, or NAME:base=NAME,setting=value,…"""
    corrupted: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[CORRUPTED]")] = "labels"
    """labels: the same sequences, their labels exchanged; query: the query is a context item of another label; or an
    evaluation on the same contexts (flipped)."""
    step: int | None = None
    """The checkpoint of this step, instead of the last."""
    sequences: int = 200
    """Pairs of sequences."""
    sites: tuple[str, ...] = ()
    """What is patched: names of sites, * for anything (blocks.0.attention.heads.* is each head); default: the residual
    stream, attention and MLP."""
    device: str = "auto"
    """cpu, cuda, … or auto."""
    trust: bool = False
    """Import a source of somebody's own code (data.source module:factory) of a run that no command of yours made."""
    without_interventions: bool = False
    """Patch the model by itself, without what model.interventions does to it at that step."""
    name: str = "patch"
    """What the files are called."""
    out: Path | None = None
    """Folder for the files; default: the run's."""
    style: Literal["notebook", "paper", "talk"] = "notebook"
    """Sizes for a notebook or screen, for a column of a paper, for a slide."""
    json: bool = False
    """Print all numbers as JSON instead of the table; nothing else goes to stdout."""
    csv: bool = False
    """Print all numbers as CSV instead of the table; nothing else goes to stdout."""


def patch(args: Sequence[str]) -> int:
    """Run the command; returns the exit code.

    Args:
        args: what follows ``patch``.
    """
    command = parse(PatchCommand, args, prog=PROG)
    _check(command)
    run = one_run(command.run)
    folder, why = output_folder(command.out, run, command.name, prog=PROG)
    from icl_eval._heads.pairs import patch_run
    from icl_eval._heads.runs import steps_of

    (step,) = steps_of(run, None if command.step is None else [command.step])
    found = patch_run(
        run,
        clean=command.clean,
        corrupted=command.corrupted,
        step=step,
        sequences=command.sequences,
        sites=command.sites or None,
        device=command.device,
        trust=command.trust,
        interventions=not command.without_interventions,
    )
    rows = [row | without(run, command.without_interventions) for row in _rows(found, command, step)]
    files = [] if folder is None else _write(found, rows, run, command, step, folder)
    _print(found, rows, run, command, step, files)
    return FAILED if why else DONE


def _check(command: PatchCommand) -> None:
    """The mistakes that show without any run."""
    if command.json and command.csv:
        raise ValueError("give --json or --csv, not both")
    if not 1 <= command.sequences <= MOST:
        raise ValueError(f"sequences must be at least 1 and at most {MOST}, got {command.sequences}")
    for place, text in (("CLEAN", command.clean), ("CORRUPTED", command.corrupted)):
        if place == "CORRUPTED" and text in _WORDS:
            continue
        try:
            read_evaluation(text)
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
    check_name(command.name)


def _rows(found: Patching, command: PatchCommand, step: int) -> list[dict[str, Any]]:
    head = {"step": step, "clean": command.clean, "corrupted": command.corrupted}
    differences = {"clean_difference": found.clean, "corrupted_difference": found.corrupted}
    return [
        {**head, **{name: None if value != value else value for name, value in row.items()}, **differences}
        for row in found.rows()
    ]


def _write(
    found: Patching, rows: list[dict[str, Any]], run: RunFolder, command: PatchCommand, step: int, folder: Path
) -> list[Path]:
    from icl_eval._drawing.heat import draw_maps
    from icl_eval._heads.maps import patch_map

    under = told_interventions(run, step, bare=command.without_interventions)
    nothing = rows[0]["recovered"] is None
    picture = patch_map(
        found,
        name=command.name,
        title=f"Activation patching: {run.name}, step {step}",
        notes=[
            *(["The two passes do not differ: there is nothing to recover."] if nothing else []),
            *(f"{told[0].upper()}{told[1:]}." for told in under),
            f"{int(found.recovered.n.max())} sequences of {command.clean}, corrupted: {command.corrupted}.",
            f"Clean answer's logit less the corrupted one's: {found.clean:.3g} clean, {found.corrupted:.3g} corrupted.",
        ],
    )
    return write_all(
        folder,
        [
            (pictures(command.name), lambda places: draw_maps(picture, places, style=command.style)),
            ([f"{command.name}.csv"], lambda places: write_csv(places[0], rows)),
        ],
    )


def _print(
    found: Patching, rows: list[dict[str, Any]], run: RunFolder, command: PatchCommand, step: int, files: Sequence[Path]
) -> None:
    if command.json:
        print(rows_as_json(rows))
        return
    if command.csv:
        print(rows_as_csv(rows), end="")
        return
    from icl_eval._tables.heads import patch_table

    print(printable(f"step {step}, {command.clean} corrupted by {command.corrupted}"))
    for line in told_interventions(run, step, bare=command.without_interventions):
        print(printable(line))
    print(f"difference of logits {found.clean:+.3f} clean, {found.corrupted:+.3f} corrupted", end="\n\n")
    if rows[0]["recovered"] is None:
        print("nothing to recover: the two passes do not differ")
    else:
        show_table(patch_table(found))
    print()
    for file in files:
        print(printable(file))
