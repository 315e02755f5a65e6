"""Tables of pandas as files and text: CSV, Parquet, Markdown and JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from icl_data.foundation.printable import csv_cell, encodable, printable

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

__all__ = ["FRAME_WRITERS"]

_ROWS = 50_000  # written at once


def _write_csv(frame: pd.DataFrame, file: BinaryIO) -> None:
    """Text has escapes, and an apostrophe before what a spreadsheet takes for a formula; missing cells are empty."""
    for start, part in _parts(frame):
        file.write(_columns(part, _csv_text).write_csv(include_header=start == 0).encode())


def _write_parquet(frame: pd.DataFrame, file: BinaryIO) -> None:
    """Names are categories, whole numbers may be missing; what is no UTF-8 has escapes."""
    import polars as pl

    # A column that is the same in every row is written as one value, of which memory holds no copies.
    first, *others = [str(name) for name in frame]
    same = [name for name in others if len(frame) > _ROWS and frame[name].nunique(dropna=False) == 1]
    whole = _columns(frame.drop(columns=same), encodable)
    ones = _columns(frame.loc[:0, same], encodable)
    whole = whole.with_columns(pl.lit(one[0], dtype=one.dtype).alias(one.name) for one in ones)
    # Not to the file: of a full disk Polars tells in an error of its own, which need not name it.
    content = io.BytesIO()
    whole.select(encodable(name) for name in (first, *others)).write_parquet(content)
    file.write(content.getbuffer())


def _write_markdown(frame: pd.DataFrame, file: BinaryIO) -> None:
    """Numbers have four digits."""
    names = [_markdown_text(str(name)) for name in frame]
    right = [frame[name].dtype.kind in "if" for name in frame]
    rule = ["---:" if is_number else "---" for is_number in right]
    file.write(f"| {' | '.join(names)} |\n| {' | '.join(rule)} |\n".encode())
    for _, part in _parts(frame):
        rows = zip(*_cells(part), strict=True)
        file.write("".join(f"| {' | '.join(map(_markdown_cell, row))} |\n" for row in rows).encode())


def _write_json(frame: pd.DataFrame, file: BinaryIO) -> None:
    """A list of objects, in ASCII alone; what is missing, or not a finite number, is null."""
    names = [str(name) for name in frame]
    file.write(b"[")
    for start, part in _parts(frame):
        rows = (dict(zip(names, row, strict=True)) for row in zip(*_cells(part), strict=True))
        text = ",\n ".join(json.dumps(row, allow_nan=False) for row in rows)
        file.write(f"{',' if start else ''}\n {text}".encode())
    file.write(b"\n]\n")


FRAME_WRITERS: dict[str, Callable[[pd.DataFrame, BinaryIO], None]] = {
    "csv": _write_csv,
    "parquet": _write_parquet,
    "md": _write_markdown,
    "json": _write_json,
}
"""Name of a format, and suffix of its files → what writes a table to an open file."""


def _parts(frame: pd.DataFrame) -> Iterator[tuple[int, pd.DataFrame]]:
    """Where a part begins, and the part; at least one, which may have no row."""
    for start in range(0, max(len(frame), 1), _ROWS):
        yield start, frame.iloc[start : start + _ROWS]


def _columns(frame: pd.DataFrame, text: Callable[[str], str]) -> pl.DataFrame:
    """The table as Polars has it, whose writers need nothing else; text and names as ``text`` makes them."""
    import polars as pl

    return pl.DataFrame({text(str(name)): _column(frame[name], text) for name in frame})


def _column(values: pd.Series[Any], text: Callable[[str], str]) -> pl.Series:
    import pandas as pd
    import polars as pl

    array = values.array
    if isinstance(array, pd.Categorical):
        known = pl.Series([text(str(name)) for name in array.categories], dtype=pl.String)
        codes = pl.Series(array.codes.astype("int64"))
        return known.gather(codes.set(codes < 0, None)).cast(pl.Categorical)
    if isinstance(array, pd.arrays.IntegerArray | pd.arrays.BooleanArray):
        kind = "int64" if isinstance(array, pd.arrays.IntegerArray) else "bool"
        column = pl.Series(array.to_numpy(dtype=kind, na_value=0))
        return column.set(pl.Series(array.isna()), None)
    if values.dtype.kind in "ifb":
        return pl.Series(values.to_numpy(), nan_to_null=True)
    return pl.Series([None if value is None or value != value else text(value) for value in values], dtype=pl.String)


def _cells(frame: pd.DataFrame) -> list[list[Any]]:
    """The columns as lists of plain values; None where there is none."""
    import numpy as np

    cells = []
    for name in frame:
        values = frame[name]
        present = np.isfinite(values) if values.dtype.kind == "f" else values.notna()
        cells.append(values.astype(object).where(present.to_numpy(dtype=bool), None).tolist())
    return cells


def _csv_text(text: str) -> str:
    return str(csv_cell(printable(text)))


def _markdown_cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else _markdown_text(str(value))


def _markdown_text(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
