"""The look that all tables on a terminal have."""

from __future__ import annotations

from rich import box
from rich.table import Table

__all__ = ["plain_table"]


def plain_table(title: str | None = None) -> Table:
    """A table without rows or columns: a rule below its head, nothing around it.

    Args:
        title: what stands above it, on the left.
    """
    return Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True
    )
