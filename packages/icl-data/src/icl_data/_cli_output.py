"""What `show` and `stats` share at the rim: where they write to, and how they fail."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icl_data._show_pictures import TextStyle
from icl_data._whole_file import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FORMATS = (".png", ".pdf", ".svg")
_DOTS_PER_INCH = 110
_CLOSED_PIPE = 141  # as a shell reports a process that SIGPIPE ended


def add_subcommand(
    commands: Any, name: str, summary: str, action: Callable[[argparse.Namespace], None]
) -> argparse.ArgumentParser:
    """A parser whose `run` does the action and returns the exit code: a mistake is one line on stderr, and code 2."""

    def run(options: argparse.Namespace) -> int:
        try:
            action(options)
            sys.stdout.flush()
        except BrokenPipeError:  # | head
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return _CLOSED_PIPE
        except (ImportError, OSError, ValueError) as error:
            print(f"icl-data {name}: {' '.join(str(error).split())}", file=sys.stderr)
            return 2
        except (MemoryError, OverflowError):
            print(f"icl-data {name}: that many do not fit into memory", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print(f"icl-data {name}: interrupted", file=sys.stderr)
            return 130
        return 0

    parser: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
    parser.set_defaults(run=run)
    return parser


def figure_file(text: str) -> Path:
    """A file that a figure can be written to."""
    path = Path(text).expanduser()
    if path.suffix.lower() not in _FORMATS:
        raise argparse.ArgumentTypeError(f"must end in one of {', '.join(_FORMATS)}, got {text!r}")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"must be in a folder that exists, got {text!r}")
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"must be a file, got the folder {text!r}")
    return path


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure; the file appears whole or not at all."""
    with whole_file(path) as beside:
        figure.savefig(beside, dpi=_DOTS_PER_INCH)


def terminal_width() -> int:
    """Columns of the terminal (or of the variable COLUMNS), 80 without one."""
    return shutil.get_terminal_size((80, 24)).columns


def terminal_style() -> TextStyle:
    """Colours on a terminal that has them, else blocks, or ASCII where stdout's encoding has no blocks."""
    try:
        "░▒▓█▀▄▁▇┌═".encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return "ascii"
    wanted = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"
    return "colours" if wanted else "blocks"
