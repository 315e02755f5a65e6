"""Rows of cells as files and text: CSV and JSON, which hold the same."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icl_data.foundation.printable import csv_cell, printable
from icl_data.foundation.whole_file import whole_file, write_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TABLE_WRITERS", "Row", "rows_as_csv", "rows_as_json", "rows_of", "write_csv", "write_json"]

Row = dict[str, Any]


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write rows under the union of their columns; the file appears whole.

    Text has escapes in the place of what moves a cursor, breaks a line or is no UTF-8, and an apostrophe before what a
    spreadsheet would take for a formula.

    Args:
        path: the file.
        rows: cells by column.
    """
    with whole_file(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        file.write(rows_as_csv(rows))


def rows_as_csv(rows: Sequence[Row]) -> str:
    """Rows as the text of a CSV file, as :func:`write_csv` writes it."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_cell, columns))
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    return csv_cell(printable(value)) if isinstance(value, str) else value


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """The rows of a table of pandas, as plain values; None for what is missing or no number."""
    names, columns = list(map(str, frame)), [_plain(frame[name]) for name in frame]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(column: pd.Series[Any]) -> list[Any]:
    values = column.astype(object).tolist()
    missing = column.isna().tolist()
    return [None if gone else value for value, gone in zip(values, missing, strict=True)] if any(missing) else values


def write_json(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as a list of objects; the file appears whole.

    Args:
        path: the file.
        rows: cells by column.
    """
    write_text(path, rows_as_json(rows) + "\n")


def rows_as_json(rows: Sequence[Row]) -> str:
    """Rows as a JSON list of objects, in ASCII alone."""
    return json.dumps(rows, indent=1, allow_nan=False)


TABLE_WRITERS: dict[str, Callable[[Path, Sequence[Row]], None]] = {".csv": write_csv, ".json": write_json}
"""Suffix of a file → what writes rows to it."""
