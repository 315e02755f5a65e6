"""What attention heads do, where `icl-eval heads` has left it in a run folder."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from icl_data.foundation.paths import describe
from icl_data.foundation.printable import printable
from icl_data.foundation.regular_file import read_file

__all__ = ["FILE", "heads_of"]

FILE = "heads.csv"
MEASURES = {
    "induction": "Induction: attention from the query to tokens with the right label, less that to others",
    "previous_token": "Previous token: attention from a label to the item before it",
    "label_copy": "Label copy: what attending to a label does for its own logit",
    "direct": "Direct: what the head adds to the right answer's logit",
    "entropy": "Entropy of the query's attention, in nats",
}
_MOST_BYTES = 50_000_000
_MOST_HEADS = 4096
_MOST_STEPS = 500  # checkpoints that curves have


class _Unusable(ValueError):
    """The file is not as `icl-eval heads` writes it."""


def heads_of(folders: Sequence[Path]) -> tuple[list[dict[str, Any]], list[str]]:
    """The scores of each run that has some, and a line for each file that cannot be used.

    Args:
        folders: the run folders.
    """
    found, lines = [], []
    for number, folder in enumerate(folders):
        file = folder / FILE
        try:
            found.append({"run": number, **_scores(read_file(file, most_bytes=_MOST_BYTES))})
        except FileNotFoundError:
            continue
        except OSError as error:
            lines.append(f"skipped {file}: {describe(error)}")
        except ValueError as error:  # of this file's content, or larger than it may be
            lines.append(f"skipped {file}: {error}")
    return found, lines


def _scores(content: bytes) -> dict[str, Any]:
    """Split, steps, and for each measure the scores of heads by step, the reference and intervals of the last.

    Of a model that was looked at by itself, without what its run does to it, the file says so.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8")), strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise _Unusable(f"it is no CSV file: {error}") from error
    rows = [row for row in rows if row.get("kind") == "head" and row.get("measure") in MEASURES]
    if not rows:
        raise _Unusable("it has no row of a head")
    steps = sorted({_whole(row, "step") for row in rows})
    layers, heads = (1 + max(_whole(row, name) for row in rows) for name in ("layer", "head"))
    if layers * heads > _MOST_HEADS:
        raise _Unusable(f"it has {layers} layers of {heads} heads, more than {_MOST_HEADS} in all")
    if len(steps) > _MOST_STEPS:
        steps = [steps[round(place * (len(steps) - 1) / (_MOST_STEPS - 1))] for place in range(_MOST_STEPS)]
    place = {step: number for number, step in enumerate(steps)}
    measures = {}
    for name in (name for name in MEASURES if any(row["measure"] == name for row in rows)):
        values: list[list[float | None]] = [[None] * len(steps) for _ in range(layers * heads)]
        last: list[list[float | None]] = [[None, None] for _ in range(layers * heads)]
        reference = None
        for row in (row for row in rows if row["measure"] == name and _whole(row, "step") in place):
            head, step = _whole(row, "layer") * heads + _whole(row, "head"), _whole(row, "step")
            values[head][place[step]] = _number(row, "value")
            if step == steps[-1]:
                last[head] = [_number(row, "low"), _number(row, "high")]
                reference = _number(row, "reference")
        measures[name] = {"label": MEASURES[name], "values": values, "last": last, "reference": reference}
    return {
        "split": printable(rows[0].get("split") or ""),
        "bare": any(row.get("interventions") == "without" for row in rows),
        "steps": steps,
        "layers": layers,
        "heads": heads,
        "measures": measures,
    }


def _whole(row: dict[str, str], name: str) -> int:
    text = row.get(name) or ""
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise _Unusable(f"{name} must be a whole number, got {text[:40]!r}")
    return int(text)


def _number(row: dict[str, str], name: str) -> float | None:
    text = row.get(name) or ""
    try:
        value = float(text) if text else math.nan
    except ValueError:
        raise _Unusable(f"{name} must be a number, got {text[:40]!r}") from None
    return value if math.isfinite(value) else None
