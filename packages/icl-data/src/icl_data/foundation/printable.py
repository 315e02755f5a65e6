"""Text from outside as it may be shown: names of files, runs, classes and plugins are data, wherever they end up."""

from __future__ import annotations

from collections.abc import Sequence

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def printable(text: object) -> str:
    """`text` with escapes in the place of what could move a terminal's cursor or reorder its line."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))


def encodable(text: object) -> str:
    """`text` with escapes in the place of what is no UTF-8; a file's name may hold such, and libraries refuse it."""
    return str(text).encode("utf-8", "backslashreplace").decode("utf-8")


def one_line(text: object) -> str:
    """`text` on one line, printable."""
    return printable(" ".join(str(text).split()))


def csv_cell(value: object) -> object:
    """A value as a cell that no spreadsheet takes for a formula: text that starts like one gets an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def text_table(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Rows of cells as lines of columns two spaces apart.

    Args:
        rows: of equally many cells.
        right: numbers of the columns that end where numbers end.
    """
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = []
    for row in shown:
        cells = (
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
