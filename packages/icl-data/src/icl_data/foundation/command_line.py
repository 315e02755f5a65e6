"""What the four commands have in common: exit codes, mistakes in one line, and the name that may have been meant.

0: done. 1: the command was right and what it did failed. 2: a mistake in the command; nothing was written. 130: Ctrl+C.
141: nobody reads the output on. A command may have codes of its own beside these.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from icl_data.foundation.close_names import close_names
from icl_data.foundation.entry import is_interrupted
from icl_data.foundation.paths import WORLDLY, describe, user_path
from icl_data.foundation.printable import one_line

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
DONE, FAILED, MISTAKE, INTERRUPTED, CLOSED_PIPE = 0, 1, 2, 130, 141


class CommandFailed(Exception):
    """What a command was rightly asked for went wrong: one line, exit code 1."""


def run_command(main: Callable[[Sequence[str]], int], prog: str, args: Sequence[str] | None = None) -> int:
    """Run a command: what goes wrong becomes one line on stderr, and the exit code is returned.

    Args:
        main: takes the arguments and returns the exit code.
        prog: the program's name.
        args: the arguments; None for those of the process.
    """
    args = sys.argv[1:] if args is None else list(args)
    # As argparse has it: a complaint begins with the command and the subcommand.
    command = f"{prog} {args[0]}" if args and re.fullmatch(r"[a-z][a-z0-9-]*", args[0]) else prog
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller, as a daemon's may be: nobody reads
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal has no letters for must not end the command
            stream.reconfigure(errors="backslashreplace")
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *where, **more: _say(prog, "warning", message)
        try:
            if args == ["--version"]:
                print(f"{prog} {version(prog)}")
                return DONE
            code = _hearing_interrupts(main, args)
            sys.stdout.flush()
            return code
        except KeyboardInterrupt as stop:  # its text, if it has one, says how to go on
            print(f"{command}: interrupted{f'; {one_line(stop)}' if str(stop) else ''}", file=sys.stderr)
            return INTERRUPTED
        except BrokenPipeError:  # | head
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that Python's last flush succeeds
            return CLOSED_PIPE
        except CommandFailed as failure:
            print(f"{command}: {one_line(failure)}", file=sys.stderr)
            return FAILED
        except OSError as error:
            if error.filename is None and error.errno in _NO_ROOM:  # files are named in what is said of them
                with suppress(
                    OSError, ValueError
                ):  # what is left goes nowhere, lest Python's last flush complain again
                    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                print(f"{command}: cannot write to standard output: {error.strerror}", file=sys.stderr)
                return FAILED
            if error.errno in WORLDLY:
                print(f"{command}: {one_line(describe(error))}", file=sys.stderr)
                return FAILED
            _say(command, "error", describe(error))
            return MISTAKE
        except (ImportError, ValueError) as mistake:
            _say(command, "error", mistake)
            return MISTAKE
        except (MemoryError, OverflowError):
            _say(command, "error", "that many do not fit into memory")
            return MISTAKE


def _hearing_interrupts(main: Callable[[Sequence[str]], int], args: Sequence[str]) -> int:
    """Run it; what libraries make of the KeyboardInterrupt that they meet, an ImportError mostly, is one again."""
    try:
        return main(args)
    except Exception as error:
        if is_interrupted():
            raise KeyboardInterrupt from error
        raise


def _say(prog: str, what: str, message: object) -> None:
    print(f"{prog}: {what}: {one_line(message)}", file=sys.stderr)


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line on stderr, with exit code 2."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse, and refuse what is left over; a subcommand does so itself, as it knows its own options.

        Args:
            args, namespace: see `argparse.ArgumentParser`.
        """
        found, rest = super().parse_known_args(args, namespace)
        if rest:
            name = rest[0].partition("=")[0]
            if not name.startswith("-"):
                self.error(f"argument {name} is one too many (see {self.prog} --help)")
            known = [option for option in self._option_string_actions if option.startswith("--")]
            self.error(f"option {name} does not exist{nearest(name, known) or f' (see {self.prog} --help)'}")
        return found, rest

    def error(self, message: str) -> NoReturn:
        """Exit with this message, on one line."""
        choice = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message)
        hint = nearest(choice[1], re.findall(r"[\w-]+", choice[2])) if choice else ""
        self.exit(MISTAKE, f"{self.prog}: error: {one_line(message)}{hint}\n")


def path_option(text: str) -> Path:
    """A path for `argparse`, with `~` for the home folder.

    Args:
        text: what the user gave.

    Raises:
        ArgumentTypeError: it is empty, or there is no such home folder.
    """
    if not text:  # of an unset variable, mostly; Path would take it for the current folder
        raise argparse.ArgumentTypeError("must not be empty")
    try:
        return user_path(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean ...?` for the known names that `name` may stand for, or nothing (see `close_names`)."""
    close = close_names(name, known)[:3]
    return f"; did you mean {' or '.join(close)}?" if close else ""


def listed(names: Sequence[str]) -> str:
    """These names with commas, or `none`."""
    return ", ".join(names) or "none"
