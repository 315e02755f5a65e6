"""What the command lines of icl-train and icl-eval have in common: options from dataclasses, mistakes in one line.

A mistake of the user ends with one line on stderr and exit code 2, a run that failed with one line and exit code 1.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import tyro
from rich.console import Console
from rich.table import Table

from icl_data.foundation.command_line import nearest, run_command

__all__ = ["given", "nearest", "one_line_errors", "parse", "show_table", "shown_width"]

T = TypeVar("T")

_PIPE_WIDTH = 200


def parse(target: type[T], args: Sequence[str], *, prog: str, default: T | None = None) -> T:
    """Read the options of dataclass ``target`` from ``args``; ``--help`` prints them and exits.

    Args:
        target: the dataclass.
        args: the arguments, without the program's name.
        prog: the program's name.
        default: values of options that are not given; None for the dataclass's own.

    Raises:
        ValueError: for an unknown option (naming the nearest), a bad value, or values that the dataclass refuses.
    """
    complaint = io.StringIO()
    start = tyro.MISSING_NONPROP if default is None else default
    try:
        with contextlib.redirect_stderr(complaint):
            found = tyro.cli(target, args=list(args), prog=prog, default=start, return_unknown_args=True)
    except SystemExit as stop:
        if not stop.code:
            raise
        raise ValueError(_without_box(complaint.getvalue())) from None
    value: T = found[0]
    unknown: list[str] = found[1]
    if unknown:
        raise ValueError(_unknown(unknown[0], _options(target, default), prog))
    return value


def given(args: Sequence[str], *options: str) -> str | None:
    """The last value that ``args`` give one of ``options``, before the real parsing: other defaults hang on it."""
    value = None
    for position, arg in enumerate(args):
        name, equals, attached = arg.partition("=")
        if name.replace("_", "-") in options:
            value = attached if equals else (args[position + 1] if position + 1 < len(args) else None)
    return value


def one_line_errors(main: Callable[[Sequence[str]], int], prog: str) -> int:
    """Run a command on the process's arguments and return its exit code (see `icl_data.foundation.command_line`).

    Args:
        main: the command; takes the arguments and returns the exit code.
        prog: the program's name.
    """
    # A console script does not look for modules here as `python -m` does; `--data.source my_module:make` should.
    sys.path.append(os.getcwd())
    return run_command(main, prog)


def show_table(table: Table) -> None:
    """Print a table as wide as the terminal; into a pipe or a file, with each row on one line."""
    _console().print(table)


def shown_width() -> int:
    """Columns that :func:`show_table` has."""
    return _console().width


class _Console(Console):
    """A console that leaves a closed pipe to `run_command`, where rich would exit with code 1."""

    def on_broken_pipe(self) -> None:
        """Called while BrokenPipeError is handled."""
        raise


def _console() -> Console:
    console = _Console(markup=False, emoji=False, highlight=False)
    return console if console.is_terminal else _Console(width=_PIPE_WIDTH, markup=False, emoji=False, highlight=False)


def _options(target: type[T], default: T | None) -> list[str]:
    """The options of a dataclass, as its help names them."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        tyro.cli(target, args=["--help"], default=tyro.MISSING_NONPROP if default is None else default)
    return list(dict.fromkeys(re.findall(r"--[a-z][\w.-]*", text.getvalue())))


def _unknown(arg: str, known: Sequence[str], prog: str) -> str:
    name = arg.partition("=")[0]
    # A short name is most often the end of a dotted one: --num-layers for --model.num-layers.
    dotted = [option for option in known if option.rpartition(".")[2] == name.lstrip("-").rpartition(".")[2]]
    hint = f"; did you mean {dotted[0]}?" if dotted else nearest(name, known)
    if not name.startswith("-"):
        return f"argument {arg} is one too many (see {prog} --help)"
    return f"option {name} does not exist{hint or f' (see {prog} --help)'}"


def _without_box(text: str) -> str:
    """The message inside the frame that tyro draws around it, on one line."""
    lines = [line.strip("│| ").strip() for line in text.splitlines() if not re.match(r"^\s*[╭╰┌└]", line)]
    message = []
    for line in lines:
        if re.fullmatch(r"[─-]+", line):  # what follows is the help of the option
            break
        message.append(line)
    line = " ".join(" ".join(message).split())
    # A component's own rule does not say whose it is; other groups of options are objects of ours, unknown to users.
    line = re.sub(r"^Error parsing config\.([\w.-]+-config): ", r"\1: ", line)
    return re.sub(r"^Error parsing config[\w.]*: ", "", line)
