"""``icl-eval figures``: the figures there are, and what runs have of what each needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from icl_data.foundation.command_line import DONE
from icl_data.foundation.printable import printable
from icl_eval._commands.drawn import read_runs, roots_of
from icl_eval._figures.known import figure_called, figure_names
from icl_eval._figures.needs import Needs, needs_of
from icl_eval._tables.terminal import plain_table
from icl_models import FigureSpec
from icl_train.command_line import parse, show_table, shown_width, two_columns

__all__ = ["figures"]

PROG = "icl-eval figures"


@dataclass(frozen=True)
class FiguresCommand:
    """List the figures; of RUNS, with what each needs, has and misses."""

    runs: Annotated[
        tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="[RUNS ...]", help_behavior_hint="")
    ] = ()
    """Folders with run folders at any depth; none for the list alone."""
    json: bool = False
    """Print the list as JSON; nothing else goes to stdout."""


def figures(args: Sequence[str]) -> int:
    """Run the command; returns the exit code.

    Args:
        args: what follows ``figures``.
    """
    command = parse(FiguresCommand, args, prog=PROG)
    specs = [figure_called(name) for name in figure_names()]
    if not command.runs:
        print(json.dumps(list(map(_described, specs)))) if command.json else _show(specs)
        return DONE
    roots = roots_of(command.runs, PROG)
    table = read_runs(roots, unfinished=False)
    needs = [needs_of(spec, table) for spec in specs]
    if command.json:
        print(json.dumps([_described(spec) | _found(one) for spec, one in zip(specs, needs, strict=True)]))
        return DONE
    shown = plain_table()
    for column in ("figure", "has", "misses"):
        shown.add_column(column, overflow="fold", no_wrap=column == "figure")
    for spec, one in zip(specs, needs, strict=True):
        has = [f"{name} ({n} runs)" if n > 1 else f"{name} (1 run)" for name, n in one.recorded.items()]
        has += [f"{name} {values}" for name, values in one.varied.items()]
        misses = [*one.missing_measures, *(f"runs that differ in {name}" for name in one.constant)]
        shown.add_row(*(printable(cell) for cell in (spec.name, "; ".join(has), "; ".join(misses))))
    show_table(shown)
    lacking = [spec for spec, one in zip(specs, needs, strict=True) if _lacks(one) and spec.experiment]
    if lacking:
        print()
        example = lacking[0]
        command_line = printable(f"icl-train sweep {example.experiment} --scale laptop --root {roots[0]}")
        said = "What is missing is trained by"
        print(said, command_line, sep=" " if len(f"{said} {command_line}") <= shown_width() else "\n  ")
    return DONE


def list_of_figures(specs: Sequence[FigureSpec]) -> str:
    """The figures' names, and what each shows, as wide as the terminal within reason."""
    return two_columns([(printable(spec.name), printable(spec.title)) for spec in specs])


def _show(specs: Sequence[FigureSpec]) -> None:
    print(list_of_figures(specs))


def _lacks(needs: Needs) -> bool:
    return bool(needs.missing_measures or needs.constant)


def _described(spec: FigureSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "title": spec.title,
        "split": spec.measures[0],
        "measures": list(spec.measures),
        "varies": list(spec.varies),
        "paper": spec.paper,
        "experiment": spec.experiment,
    }


def _found(needs: Needs) -> dict[str, Any]:
    return {
        "recorded": needs.recorded,
        "varied": needs.varied,
        "missing": {"measures": list(needs.missing_measures), "varies": list(needs.constant)},
    }
