"""The lines of metrics.jsonl as records, and what a kill or a full disk may have left of the last ones."""

from __future__ import annotations

import json
from typing import Any

from icl_data.foundation.printable import one_line
from icl_data.foundation.sealed import Damaged

__all__ = ["EVALUATED", "RUNNING_MEANS", "Record", "record_of", "records_in", "without_torn_evaluation"]

Record = dict[str, Any]

EVALUATED = "eval_"
RUNNING_MEANS = ("loss", "loss_query", "loss_interim", "accuracy_query")  # which a line of training begins with
_SEAL = "crc32"


def record_of(line: bytes) -> Record:
    """The record of a line, without its seal.

    Raises:
        Damaged: in words that go behind "line 3".
    """
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"is not JSON: {one_line(error)}") from None
    if not isinstance(record, dict):
        raise Damaged(f"must be a JSON object, got {one_line(line[:60].decode(errors='replace'))}")
    record.pop(_SEAL, None)
    split, step = record.get("split"), record.get("step")
    if not isinstance(split, str):
        raise Damaged(f"must name its split, got {one_line(split)[:60]}")
    if type(step) is not int or not 0 <= step < 2**63:
        raise Damaged(f"must have a whole number that is not negative as its step, got {one_line(step)[:60]}")
    if not isinstance(record.get("headline"), str | None):
        raise Damaged(f"must name its headline, got {one_line(record['headline'])[:60]}")
    return record


def records_in(lines: bytes) -> list[Record]:
    """The records of whole lines.

    Raises:
        Damaged: naming the first line that is none.
    """
    records = []
    for number, line in enumerate(lines.split(b"\n")[:-1], 1):
        try:
            records.append(record_of(line))
        except Damaged as damage:
            raise Damaged(f"line {number} {damage}") from None
    return records


def without_torn_evaluation(lines: bytes) -> bytes:
    """The lines without those of a last evaluation that has fewer splits than the one before: it is being written, or
    the disk was full after some of them."""
    try:
        last, start = _evaluation_before(lines, len(lines))
        if last is None:
            return lines
        end = lines.rfind(f'"{EVALUATED}'.encode(), 0, start)
        before, _ = _evaluation_before(lines, lines.find(b"\n", end) + 1) if end >= 0 else (None, 0)
    except Damaged:  # which whoever reads all lines finds, and names
        return lines
    return lines if before is None or before <= last else lines[:start]


def _evaluation_before(lines: bytes, end: int) -> tuple[set[str] | None, int]:
    """The splits of the evaluation whose last line ends there, and where its first line starts; None for none."""
    splits: set[str] = set()
    step, start = None, end
    while start > 0:
        begin = lines.rfind(b"\n", 0, start - 1) + 1
        record = record_of(lines[begin : start - 1])
        if not record["split"].startswith(EVALUATED) or step not in (None, record["step"]):
            break
        step, start = record["step"], begin
        splits.add(record["split"])
    return splits or None, start
