"""The command `icl-data show`: sequences as pictures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from icl_data._commands.exit_codes import exit_codes
from icl_data._commands.output import terminal_style, terminal_width, write_figure
from icl_data._commands.path_options import figure_file
from icl_data._commands.sequences import add_sequence_options, sequences_from
from icl_data._looking.show_figure import draw_sequences
from icl_data._looking.show_text import format_sequences
from icl_data.foundation.printable import printable

_MOST = 100


def add_show(commands: Any) -> None:
    """Add the command."""
    summary = "draw sequences as pictures"
    parser = commands.add_parser(
        "show",
        help=summary,
        description=summary,
        epilog=exit_codes("the sequences were shown or written"),
        allow_abbrev=False,
    )
    parser.set_defaults(run=show)
    parser.add_argument("--out", type=figure_file, metavar="FILE", help=".png, .pdf or .svg; default: the terminal")
    parser.add_argument("--classes", action="store_true", help="write class and exemplar positions, too")
    add_sequence_options(parser, n=1, most=_MOST, examples=True)


def show(options: argparse.Namespace) -> int:
    """Show sequences in the terminal, or write them to a file and print its name."""
    sequences = sequences_from(options)
    batch, examples = sequences.with_examples()
    out: Path | None = options.out
    if out is not None:
        write_figure(draw_sequences(batch, examples, classes=options.classes, first=sequences.first), out)
        print(printable(out))
        return 0
    print(
        format_sequences(
            batch,
            examples,
            width=terminal_width(),
            style=terminal_style(),
            classes=options.classes,
            first=sequences.first,
        )
    )
    return 0
