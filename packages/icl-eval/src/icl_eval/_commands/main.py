"""The ``icl-eval`` command: figures, plots, comparisons, and evaluations of checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from icl_data.foundation.command_line import DONE, MISTAKE, nearest
from icl_eval._commands.claims import claims
from icl_eval._commands.compare import compare
from icl_eval._commands.evaluate import evaluate
from icl_eval._commands.figure import figure
from icl_eval._commands.figures import figures, list_of_figures
from icl_eval._commands.heads import heads
from icl_eval._commands.overview.report import report
from icl_eval._commands.overview.watch import watch
from icl_eval._commands.patch import patch
from icl_eval._commands.plot import plot
from icl_eval._commands.table import table
from icl_eval._figures.known import FIGURES, figure_names
from icl_train.command_line import one_line_errors

__all__ = ["main"]

USAGE = """\
usage: icl-eval FIGURE RUNS... [options]    draw a figure of runs
       icl-eval plot RUNS... [options]      draw any setting against any measure
       icl-eval evaluate RUN... [options]   measure checkpoints of runs again
       icl-eval compare RUNS... --with ...  hold runs against runs or archives
       icl-eval table RUNS... [options]     runs as a table, tidy or wide
       icl-eval report RUNS... [options]    all runs as a page for the browser
       icl-eval watch RUNS... [options]     their curves, while they are trained
       icl-eval claims RUNS... [options]    whether what experiments claim holds
       icl-eval heads RUN [options]         what each attention head does
       icl-eval patch RUN [CLEAN CORRUPTED] which values carry the answer
       icl-eval figures [RUNS...] [--json]  list figures, and what RUNS have

Figures:
{figures}

Options: icl-eval figure3a --help, icl-eval plot --help, and so on"""

COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "plot": plot,
    "evaluate": evaluate,
    "compare": compare,
    "table": table,
    "report": report,
    "watch": watch,
    "claims": claims,
    "heads": heads,
    "patch": patch,
    "figures": figures,
}


def main() -> int:
    """Entry point of ``icl-eval``."""
    return one_line_errors(_main, "icl-eval")


def _main(args: Sequence[str]) -> int:
    if not args or args[0] in ("-h", "--help"):
        print(USAGE.format(figures=list_of_figures(list(FIGURES.values()))))
        return DONE if args else MISTAKE
    name, rest = args[0], args[1:]
    if name in COMMANDS:
        return COMMANDS[name](rest)
    # Plugins are asked for names that are not our own alone, as asking means to import them.
    known = [*(FIGURES if name in FIGURES else figure_names()), *COMMANDS]
    if name not in known:
        raise ValueError(f"command must be one of {', '.join(known)}, got {name!r}{nearest(name, known)}")
    return figure(name, rest)
