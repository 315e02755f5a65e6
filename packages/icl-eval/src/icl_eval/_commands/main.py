"""The ``icl-eval`` command: figures, and evaluations of checkpoints."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial

from icl_data.foundation.command_line import DONE, MISTAKE, nearest
from icl_eval._commands.evaluate import evaluate
from icl_eval._commands.figure import figure
from icl_eval._commands.table import table
from icl_eval._figures.curves import FIGURES
from icl_train.command_line import one_line_errors

__all__ = ["main"]

USAGE = """\
usage: icl-eval FIGURE RUNS... [options]    draw a figure of runs
       icl-eval evaluate RUN... [options]   measure checkpoints of runs again
       icl-eval table RUNS... [options]     runs as a table, tidy or wide
       icl-eval figures [--json]            list the figures

Figures:
{figures}

Options: icl-eval figure3a --help, icl-eval evaluate --help, …"""


def main() -> int:
    """Entry point of ``icl-eval``."""
    return one_line_errors(_main, "icl-eval")


def _main(args: Sequence[str]) -> int:
    commands: dict[str, Callable[[Sequence[str]], int]] = {name: partial(figure, name) for name in FIGURES}
    commands |= {"evaluate": evaluate, "figures": _figures, "table": table}
    if not args or args[0] in ("-h", "--help"):
        print(USAGE.format(figures=_list_of_figures()))
        return DONE if args else MISTAKE
    if args[0] not in commands:
        raise ValueError(
            f"command must be one of {', '.join(commands)}, got {args[0]!r}{nearest(args[0], list(commands))}"
        )
    return commands[args[0]](args[1:])


def _list_of_figures() -> str:
    return "\n".join(f"  {spec.name}  {spec.title}" for spec in FIGURES.values())


def _figures(args: Sequence[str]) -> int:
    if list(args) == ["--json"]:
        print(json.dumps([{"name": spec.name, "split": spec.split, "title": spec.title} for spec in FIGURES.values()]))
        return DONE
    if args:
        raise ValueError(f"icl-eval figures takes no arguments, got {' '.join(args)} (--json is its one option)")
    print(_list_of_figures())
    return DONE
