"""The command `icl-data stats`: what sequences are really like."""

from __future__ import annotations

import argparse
import json
import textwrap
from pathlib import Path
from typing import Any

from icl_data._commands.exit_codes import exit_codes
from icl_data._commands.output import terminal_style, terminal_width, write_figure
from icl_data._commands.path_options import figure_file
from icl_data._commands.sequences import Sequences, add_sequence_options, sequences_from
from icl_data._looking.stats import SequenceStatistics, sequence_statistics
from icl_data._looking.stats_figure import draw_statistics
from icl_data._looking.stats_table import format_statistics
from icl_data.foundation.extras import require_extra

_DEFAULT, _MOST = 100_000, 100_000_000


def add_stats(commands: Any) -> None:
    """Add the command."""
    summary = "measure sequences and compare them with what was asked for"
    parser = commands.add_parser(
        "stats", help=summary, description=summary, epilog=exit_codes("the sequences were measured"), allow_abbrev=False
    )
    parser.set_defaults(run=stats)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--plot", type=figure_file, metavar="FILE", help="draw them, too: .png, .pdf or .svg")
    add_sequence_options(parser, n=_DEFAULT, most=_MOST, examples=False)


def stats(options: argparse.Namespace) -> int:
    """Print statistics of sequences."""
    plot: Path | None = options.plot
    if plot is not None:
        require_extra("matplotlib", "icl-data[plot]", "--plot")
    sequences = sequences_from(options)
    found = sequence_statistics(
        sequences.batches(),
        sequences.split,
        sequences.kind,
        protocol=sequences.protocol,
        n_labels=None if sequences.sampler is None else sequences.sampler.n_labels,
    )
    if plot is not None:
        write_figure(draw_statistics(found), plot)
    print(_json(sequences, found) if options.json else _table(sequences, found))
    return 0


def _json(sequences: Sequences, found: SequenceStatistics) -> str:
    return json.dumps({"settings": sequences.settings(), **found.to_dict()}, allow_nan=False)


def _table(sequences: Sequences, found: SequenceStatistics) -> str:
    split = sequences.split
    by = "the exact stream" if sequences.sampler is None else f"protocol {sequences.protocol}"
    title = (
        f"{sequences.type_name} sequences by {by}; {split.n_rare:,} rare, {split.n_common:,} common and "
        f"{split.n_holdout:,} holdout classes"
    )
    width, ascii_only = terminal_width(), terminal_style() == "ascii"
    return f"{textwrap.fill(title, max(width, 20))}\n\n{format_statistics(found, width=width, ascii_only=ascii_only)}"
