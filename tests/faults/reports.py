"""Counts as files: CSV or JSON, by the name's ending."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def write_rows(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows that have the same columns."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".json":
        file.write_text(json.dumps(list(rows), indent=1) + "\n")
        return
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def text_table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows that have the same columns as text; a column without a value is left out."""
    columns = [name for name in rows[0] if any(row[name] not in ("", None) for row in rows)]
    lines = [columns, *([_told(row[name]) for name in columns] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _told(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
