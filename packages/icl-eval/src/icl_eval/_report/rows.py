"""Runs as the page's table has them: names, states, settings, what they reached. All text is safe to show."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from icl_data.foundation.printable import printable
from icl_eval._loading.settings import varying
from icl_eval._picture.measures import Measure
from icl_eval._picture.names import is_seed
from icl_eval._picture.runs import DERIVED
from icl_eval._picture.values import in_order, is_number, plain, short_setting, shown
from icl_eval._report.found import Found
from icl_train import RunConfig

__all__ = ["link", "run_rows", "setting_rows"]

_NUMBERS = {"last": "", "low": "_low", "high": "_high", "step": "_step"}
_LONGEST = 200  # letters of a setting's value, and of the reason of a failure


def setting_rows(found: Found) -> list[dict[str, Any]]:
    """Each setting: its name, the values that runs have of it in their order, and which run has which.

    Settings that differ come first, those that change no number of a run at the end of them.
    """
    plain_config = RunConfig()
    neutral = plain_config.flat().keys() - plain_config.telling().keys()
    frame = found.summary[[name for name in found.summary if "." in str(name)]]
    derived = {name: [one.get(name) for one in found.settings.values()] for name in DERIVED}
    columns = {str(name): [plain(value) for value in frame[name].astype(object)] for name in frame}
    differing = {*varying(frame), *(name for name, values in derived.items() if len(set(values)) > 1)}
    rows = [_setting(name, values, name in differing, columns) for name, values in {**derived, **columns}.items()]
    return sorted(
        rows, key=lambda row: (not row["varying"], is_seed(row["name"]), row["name"] in neutral, row["derived"])
    )


def _setting(name: str, values: Sequence[Any], differs: bool, among: dict[str, Any]) -> dict[str, Any]:
    known = in_order(values)
    return {
        "name": printable(name),
        "short": printable(short_setting(name, among)),
        "varying": differs,
        "derived": "." not in name,
        "seed": is_seed(name),
        "values": [_short(printable(shown(value, name))) for value in known],
        "numbers": [_finite(value) for value in known] if any(map(is_number, known)) else None,
        "of_runs": [known.index(value) for value in values],
    }


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def run_rows(found: Found, measures: Sequence[Measure], page: Path) -> list[dict[str, Any]]:
    """Each run: name, link from the page to its folder, state, why it failed, and what it reached by each measure.

    Args:
        found: the runs.
        measures: what they reached.
        page: where the page will be.
    """
    frame = found.summary
    keys = [tuple(sorted((name, str(value)) for name, value in one.items())) for one in found.settings.values()]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    reached = [_reached(found, measure) for measure in measures]
    rows = []
    told = zip(frame["run"], found.folders, frame["status"].astype(str), frame["train.max_steps"], strict=True)
    for place, (name, folder, status, max_steps) in enumerate(told):
        rows.append(
            {
                "name": printable(name),
                "folder": link(folder, page),
                "state": status,
                "reason": _short(found.reasons[place]),
                "step": found.steps[place],
                "max_steps": int(max_steps),
                "condition": numbers[keys[place]],
                "reached": [of_measure[place] for of_measure in reached],
            }
        )
    return rows


def _reached(found: Found, measure: Measure) -> list[dict[str, float | int] | None]:
    """Of each run its last value, with bounds, and its peak; None where it has none."""
    frame, split = found.summary, measure.split
    if measure.metric:
        last = _cells(frame[f"{split}_{measure.metric}_last"])
        return [None if value is None else {"last": value} for value in last]
    parts = {part: f"{split}_last{end}" for part, end in _NUMBERS.items()}
    parts |= {part: f"{split}_{part}" for part in ("chance", "n_sequences", "peak", "peak_step")}
    cells = {part: _cells(frame[column]) for part, column in parts.items()}
    rows = [dict(zip(cells, values, strict=True)) for values in zip(*cells.values(), strict=True)]
    return [row if row["last"] is not None else None for row in rows]


def _cells(column: Any) -> list[Any]:
    return [_finite(plain(value)) for value in column.astype(object)]


def _finite(value: Any) -> Any:
    """A number as JSON has them; None for what is none."""
    return value if is_number(value) and math.isfinite(value) else None


def link(target: Path, page: Path) -> str:
    """A relative address of a file or folder, as it is followed from the page; a name is never taken for a scheme."""
    path = os.path.relpath(os.path.abspath(target), os.path.dirname(os.path.abspath(page)))
    return f"./{quote(os.fsencode(path), safe='/')}"
