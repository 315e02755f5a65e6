"""What the command lines of icl-train and icl-eval have in common: options from dataclasses, mistakes in one line.

A mistake of the user ends with one line on stderr and exit code 2, a run that failed with one line and exit code 1.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import TypeVar

import tyro
from rich.console import Console
from rich.table import Table

from icl_data.foundation.command_line import nearest, run_command
from icl_train._options.arguments import plain_arguments
from icl_train._options.page import Page, short_help, two_columns
from icl_train._options.refusals import reason_of
from icl_train._options.table import option_table

__all__ = [
    "Page",
    "given",
    "nearest",
    "one_line_errors",
    "parse",
    "plain_console",
    "show_table",
    "shown_width",
    "two_columns",
]

T = TypeVar("T")

_PIPE_WIDTH = 200
_HELP, _ALL_HELP = ("-h", "--help"), "--help-all"


def parse(target: type[T], args: Sequence[str], *, prog: str, default: T | None = None, page: Page | None = None) -> T:
    """Read the options of dataclass ``target`` from ``args``; ``--help`` prints them and exits (SystemExit).

    Values may be written as other tools have them, where it is clear what is meant: ``--max-steps=1e5``,
    ``--class-counts 100,1600``, ``--data.augment true``, ``--data.n_labels 32``. ``~`` is the home folder.

    Args:
        target: the dataclass.
        args: the arguments, without the program's name.
        prog: the program's name.
        default: values of options that are not given; None for the dataclass's own.
        page: what ``--help`` shows, where ``--help-all`` is to show all; None for all.

    Raises:
        ValueError: for an unknown option (naming what may be meant), a bad value, or values that the dataclass refuses.
        SystemExit: when the help was asked for, and is printed.
    """
    if args and args[0].startswith("--tyro-"):  # tyro-print-completion, for shells
        tyro.cli(target, args=list(args), prog=prog, default=tyro.MISSING_NONPROP if default is None else default)
    table = option_table(target, default)
    asked = next((arg for arg in _before_the_rest(args) if arg in (*_HELP, _ALL_HELP)), None)
    if asked is not None:
        if page is not None and asked != _ALL_HELP:
            print(short_help(page, table, all_options=f"{prog} {_ALL_HELP}"))
            sys.exit(0)
        start = tyro.MISSING_NONPROP if default is None else default
        print(_wrapped(target.__doc__ or ""), end="\n\n", flush=True)
        tyro.cli(target, args=["--help"], prog=prog, default=start, description="")
    plain = plain_arguments(args, table, prog=prog)
    refusal, other = io.StringIO(), io.StringIO()
    try:
        # Away from the terminal the parser draws no colours, should it refuse something itself.
        with contextlib.redirect_stderr(refusal), contextlib.redirect_stdout(other):
            value = tyro.cli(
                target, args=plain, prog=prog, default=tyro.MISSING_NONPROP if default is None else default
            )
    except SystemExit as stop:
        raise ValueError(reason_of(stop, refusal.getvalue())) from None
    for stream, text in ((sys.stderr, refusal), (sys.stdout, other)):  # warnings of plugins, say
        stream.write(text.getvalue())
    return value


def given(args: Sequence[str], *options: str) -> str | None:
    """The last value that ``args`` give one of ``options``, before the real parsing: other defaults hang on it."""
    value = None
    for position, arg in enumerate(args):
        name, equals, attached = arg.partition("=")
        if name.replace("_", "-") in options:
            following = args[position + 1 : position + 2]
            value = attached if equals else next((one for one in following if not one.startswith("--")), None)
    return value


def one_line_errors(main: Callable[[Sequence[str]], int], prog: str) -> int:
    """Run a command on the process's arguments and return its exit code (see `icl_data.foundation.command_line`).

    Args:
        main: the command; takes the arguments and returns the exit code.
        prog: the program's name.
    """
    return run_command(main, prog)


def show_table(table: Table) -> None:
    """Print a table as wide as the terminal; into a pipe or a file, with each row on one line."""
    plain_console().print(table)


def shown_width() -> int:
    """Columns that :func:`show_table` has."""
    return plain_console().width


def plain_console(width_of_pipe: int = _PIPE_WIDTH) -> Console:
    """The standard output as rich's console, which prints text as it is, without markup.

    A terminal has its own width, anything else ``width_of_pipe`` columns. Where nobody reads on, printing raises
    BrokenPipeError, which `icl_data.foundation.command_line.run_command` makes an exit code of.
    """
    console = _OpenConsole(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = width_of_pipe
    return console


class _OpenConsole(Console):
    def on_broken_pipe(self) -> None:
        """Called while BrokenPipeError is handled: rich would exit with code 1."""
        raise


def _wrapped(text: str) -> str:
    """A docstring's paragraphs, as wide as the terminal: the parser behind would not break their lines."""
    width = shutil.get_terminal_size().columns - 1
    return "\n\n".join(textwrap.fill(" ".join(part.split()), width) for part in text.split("\n\n"))


def _before_the_rest(args: Sequence[str]) -> Sequence[str]:
    return args[: list(args).index("--")] if "--" in args else args
