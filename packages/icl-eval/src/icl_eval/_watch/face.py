"""What `icl-eval watch` shows: curves of runs, or of groups of runs, drawn anew."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console, Group, RenderableType
from rich.text import Text

from icl_data.foundation.printable import one_line
from icl_eval._watch.curves import Curves
from icl_eval._watch.entries import Entry, entries_of, groups_of
from icl_eval._watch.page import page_of
from icl_eval._watch.sparks import ASCII, BLOCKS
from icl_train import StatusRow, Survey
from icl_train.command_line import plain_console

__all__ = ["CurveFace"]

_PIPE_WIDTH = 132
_NO_LIMIT = 1_000_000


class CurveFace:
    """Curves, last values and states.

    Args:
        survey: the runs.
        curves: what they have measured; it must hear what ``survey`` reads.
        grouped: a line for each group of runs that differ in their seeds alone.
    """

    def __init__(self, survey: Survey, curves: Curves, *, grouped: bool) -> None:
        self._survey, self._heard, self._grouped = survey, curves, grouped

    def screen(self, rows: Sequence[StatusRow], head: str, console: Console) -> RenderableType:
        """As much as fits below ``head``, what is news first if it is not all."""
        line = Text(head, no_wrap=True, overflow="crop")
        width, height = console.size
        entries = self._entries(rows, console.encoding)
        return Group(line, *page_of(entries, width=width, height=height - 1, levels=_levels(console.encoding)))

    def line(self, row: StatusRow) -> str:
        """State, step and last values, with their curves."""
        entries = [_encodable(entry, sys.stdout.encoding) for entry in entries_of([row], self._heard)]
        lines = page_of(entries, width=_width(), height=_NO_LIMIT, levels=_levels(sys.stdout.encoding))
        return one_line("  ".join(part.plain.strip() for part in lines[:-1]))

    def last(self, rows: Sequence[StatusRow]) -> None:
        """All of it, however long."""
        console = plain_console()
        levels = _levels(sys.stdout.encoding)
        entries = self._entries(rows, sys.stdout.encoding)
        for line in page_of(entries, width=_width(), height=_NO_LIMIT, levels=levels):
            console.print(line, soft_wrap=True)
        sys.stdout.flush()
        for path, reason in self._survey.broken:
            print(one_line(f"skipped {path}: {reason}"), file=sys.stderr)
        if not rows:
            print("no runs found")

    def _entries(self, rows: Sequence[StatusRow], encoding: str | None) -> list[Entry]:
        entries = groups_of(rows, self._heard, self._survey) if self._grouped else entries_of(rows, self._heard)
        return [_encodable(entry, encoding) for entry in entries]


def _width() -> int:
    """Columns of the terminal, or of the variable COLUMNS; a pipe has none of its own."""
    return shutil.get_terminal_size((_PIPE_WIDTH, 24)).columns


def _encodable(entry: Entry, encoding: str | None) -> Entry:
    """With escapes, whose width can be told, in the place of what the terminal has no letters for."""
    name, differs, reason = (
        text.encode(encoding or "ascii", "backslashreplace").decode(encoding or "ascii", "replace")
        for text in (entry.name, entry.differs, entry.reason)
    )
    return replace(entry, name=name, differs=differs, reason=reason)


def _levels(encoding: str | None) -> str:
    try:
        BLOCKS.encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return ASCII
    return ASCII if os.environ.get("TERM") in ("linux", "dumb") else BLOCKS
