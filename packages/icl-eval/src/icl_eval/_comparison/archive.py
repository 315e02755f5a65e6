"""Metrics of another implementation: long CSV files (step, metric, value), one for each seed."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from icl_data.foundation.command_line import listed, nearest
from icl_data.foundation.paths import errors_about
from icl_eval._comparison.sides import Member, Side

__all__ = ["MOST_BYTES", "read_archive", "read_archives"]

MOST_BYTES = 100_000_000
"""Larger files are no metrics of a run: three million rows fit."""
MOST_VALUE = 1e100
"""Sums of squares of larger ones would not be numbers."""

_COLUMNS = ("step", "metric", "value")


def read_archives(files: Sequence[Path], *, name: str) -> Side:
    """The runs of one setting, a file each.

    Args:
        files: CSV files, as `read_archive` reads them.
        name: what the side is called.

    Raises:
        ValueError: one of them is not as it should be, is there twice, or was measured at other steps.
        OSError: one cannot be read.
    """
    members: list[Member] = []
    for file in files:
        one = read_archive(file)
        for number, other in enumerate(members):
            _check_beside(file, one, files[number], other)
        members.append(one)
    return Side(name, tuple(members))


def _check_beside(file: Path, one: Member, earlier: Path, other: Member) -> None:
    if one.metrics == other.metrics:
        raise ValueError(f"files of --with must be different seeds, got {file}, which holds the same as {earlier}")
    for metric in one.metrics.keys() & other.metrics.keys():
        alone = one.metrics[metric].keys() ^ other.metrics[metric].keys()
        if alone:
            where = file if min(alone) in one.metrics[metric] else earlier
            raise ValueError(
                f"seeds must be measured at the same steps, got {metric} at step {min(alone)} in {where} alone "
                f"(not in {earlier if where == file else file})"
            )


def read_archive(file: Path) -> Member:
    """The metrics of one run.

    Args:
        file: CSV with a header that has step (updates, a whole number), metric and value (a finite number); other
            columns are not looked at.

    Raises:
        ValueError: it is not such a file; names the rule, the line and what is there.
        OSError: it cannot be read.
    """
    if not file.exists():
        raise ValueError(f"--with must be CSV files or folders of runs, got {file}, which does not exist")
    if not file.is_file():  # a pipe or a device may have no end
        raise ValueError(f"--with must be CSV files or folders of runs, got {file}")
    with errors_about(file):
        size = os.stat(file).st_size
    if size > MOST_BYTES:
        raise ValueError(f"an archive must have at most {MOST_BYTES // 10**6} MB, got {size / 1e6:,.0f} MB in {file}")
    metrics: dict[str, dict[int, float]] = {}
    try:
        # A byte-order mark is what spreadsheets put before UTF-8.
        with errors_about(file), file.open(newline="", encoding="utf-8-sig") as text:
            for line, step, metric, value in _rows(csv.reader(text), file):
                series = metrics.setdefault(metric, {})
                if step in series:
                    raise ValueError(f"an archive must have each step once, got {metric} at step {step} again {line}")
                series[step] = value
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise ValueError(f"an archive must be UTF-8 text, got the byte 0x{byte:02x} in {file}") from error
    except csv.Error as error:
        raise ValueError(f"an archive must be CSV, got {file} ({error})") from error
    if not metrics:
        raise ValueError(f"an archive must have rows below its header, got none in {file}")
    return Member(file.name, {name: dict(sorted(series.items())) for name, series in metrics.items()})


def _rows(reader: Iterator[list[str]], file: Path) -> Iterator[tuple[str, int, str, float]]:
    """Where it stands, step, metric and value of each row."""
    header = [cell.strip() for cell in next(reader, [])]
    for name in _COLUMNS:
        if name not in header:
            found = f"{listed(header[:10])} in {file}{nearest(name, header)}" if header else f"nothing in {file}"
            raise ValueError(f"an archive must have the columns {listed(_COLUMNS)}, got {found}")
        if header.count(name) > 1:
            raise ValueError(f"an archive must have each column once, got {name} twice in {file}")
    places = [header.index(name) for name in _COLUMNS]
    for number, cells in enumerate(reader, 2):
        if not cells:  # an empty line
            continue
        line = f"in row {number} of {file}"
        if len(cells) <= max(places) or any(cell.strip() for cell in cells[len(header) :]):
            raise ValueError(f"rows must have as many cells as the header, {len(header)}, got {len(cells)} {line}")
        step, metric, value = (cells[place].strip() for place in places)
        if not metric:
            raise ValueError(f"metric must not be empty, got nothing {line}")
        yield line, _step(step, line), metric, _value(value, metric, line)


def _value(text: str, metric: str, line: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"value must be a finite number, got {text[:40]!r} {line}")
    if metric.rpartition("/")[2].startswith("accuracy") and not 0 <= value <= 1:
        raise ValueError(f"value of {metric} must be an accuracy in [0, 1], got {text[:40]!r} {line}")
    if abs(value) > MOST_VALUE:
        raise ValueError(f"value must be between -{MOST_VALUE:g} and {MOST_VALUE:g}, got {text[:40]!r} {line}")
    return value


def _step(text: str, line: str) -> int:
    try:
        step = int(text) if text.isdecimal() else float(text)
    except ValueError:
        step = -1
    if not 0 <= step < 2**63 or step != int(step):
        raise ValueError(f"step must be a whole number of updates that is not negative, got {text[:40]!r} {line}")
    return int(step)
