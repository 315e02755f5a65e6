"""Tables and names as plain text."""

from collections.abc import Sequence


def printable(text: str) -> str:
    """`text` with escapes in the place of what could move a terminal's cursor; names come from files of strangers."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def text_table(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Rows of cells as lines of columns two spaces apart; the columns numbered in `right` end where numbers end."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = (
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
