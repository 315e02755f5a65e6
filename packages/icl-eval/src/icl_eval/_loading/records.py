"""The lines of a run's metrics.jsonl, held against what tables and figures rely on."""

from __future__ import annotations

from types import UnionType
from typing import Any

from icl_data.foundation.paths import describe
from icl_data.foundation.printable import one_line
from icl_data.foundation.shown import shown
from icl_train import HEADLINES, RunError, RunFolder

__all__ = ["UNREADABLE", "Record", "checked_records", "is_metric", "why_unreadable"]

Record = dict[str, Any]

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OSError, OverflowError, RecursionError)
"""What :func:`checked_records` raises of lines that are no records."""

_NO_METRICS = ("step", "sequences", "chance", "n_sequences")


def checked_records(run: RunFolder) -> list[Record]:
    """The records of a run by step; of several of one split at one step, the last.

    Raises:
        ValueError, KeyError, TypeError, AttributeError, OSError, OverflowError or RecursionError: if a line is none.
    """
    records: dict[tuple[int, str], Record] = {}
    for record in run.records():
        _check(record)
        records[record["step"], record["split"]] = record
    return sorted(records.values(), key=lambda record: record["step"])


def why_unreadable(error: Exception) -> str:
    """What is said of a run whose records cannot be read."""
    if isinstance(error, RunError):
        return str(error)
    if isinstance(error, KeyError):
        return f"cannot read its metrics.jsonl: a record must have {one_line(error.args[0])[:80]!r}, got one without"
    if isinstance(error, OSError):
        return f"cannot read its metrics.jsonl: {one_line(describe(error))}"
    if isinstance(error, ValueError):
        return f"cannot read its metrics.jsonl: {one_line(error)}"
    return "cannot read its metrics.jsonl: a record must be as icl-train writes it, got another"


def is_metric(name: str, value: object) -> bool:
    """Whether a part of a record is a value that was measured; null stands for one that is not finite."""
    if name in _NO_METRICS or name.endswith(("_low", "_high")):
        return False
    return value is None or _is_number(value, int | float)


def _is_number(value: object, kind: type | UnionType) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _check(record: Record) -> None:
    if not isinstance(record["split"], str):
        raise ValueError(f"split must be text, got {shown(record['split'])}")
    for name in ("step", "sequences", *(["n_sequences"] if record["split"].startswith("eval_") else [])):
        if not _is_number(record[name], int) or not 0 <= record[name] < 2**63:
            raise ValueError(f"{name} must be a whole number that is not negative, got {shown(record[name])}")
    if record["split"].startswith("eval_"):
        _check_evaluation(record)


def _check_evaluation(record: Record) -> None:
    split, metric = record["split"].removeprefix("eval_"), record["headline"]
    if split in HEADLINES and metric != HEADLINES[split].metric:
        raise ValueError(f"{split} must be measured by {HEADLINES[split].metric}, got {shown(metric)}")
    if not isinstance(metric, str):
        raise ValueError(f"headline must be text, got {shown(metric)}")
    for name in (metric, f"{metric}_low", f"{metric}_high", "chance"):
        if not _is_number(record[name], int | float) or not 0 <= record[name] <= 1:
            raise ValueError(f"{name} must be a number in [0, 1], got {shown(record[name])}")
    if not isinstance(record["protocol"], str):
        raise ValueError(f"protocol must be text, got {shown(record['protocol'])}")
