"""The curves of runs, grown with every record that is written."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from icl_data.foundation.printable import one_line
from icl_train import RunFolder, headline_of

__all__ = ["Curve", "Curves"]

_LONGEST_NAME = 24


@dataclass
class Curve:
    """An accuracy along training.

    Attributes:
        short: what the accuracy is called where room is short.
        steps: updates, ascending.
        values: the accuracy after them.
        chance: what guessing gives; None if the records do not say.
        low, high: the ends of the last value's 95% interval; None if there is none.
    """

    short: str
    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    chance: float | None = None
    low: float | None = None
    high: float | None = None


class Curves:
    """Curves by run and evaluation."""

    def __init__(self) -> None:
        self._of_run: dict[Path, dict[str, Curve]] = {}

    def hear(self, run: RunFolder, records: Sequence[dict[str, Any]]) -> None:
        """Take what a run has recorded; a run that was taken back and went on from an earlier update loses the rest.

        Args:
            run: the run.
            records: lines of its metrics.jsonl.
        """
        curves = self._of_run.setdefault(run.path, {})
        for record in records:
            if record["split"] != "train":
                _add(curves, record)

    def of(self, run: Path, evaluations: Sequence[str]) -> dict[str, Curve]:
        """Of a run the curves of these evaluations, as far as there are any."""
        curves = self._of_run.get(run, {})
        return {name: curves[name] for name in evaluations if name in curves and curves[name].steps}


def _add(curves: dict[str, Curve], record: dict[str, Any]) -> None:
    name, metric = record["split"].removeprefix("eval_"), record.get("headline")
    headline = headline_of(name, metric=metric if isinstance(metric, str) else None)
    value = _number(record.get(headline.metric))
    if value is None:
        return
    curve = curves.setdefault(name, Curve(one_line(headline.short)[:_LONGEST_NAME]))
    place = bisect_left(curve.steps, record["step"])
    del curve.steps[place:], curve.values[place:]
    curve.steps.append(record["step"])
    curve.values.append(value)
    curve.chance = _number(record.get("chance"))
    curve.low, curve.high = (_number(record.get(f"{headline.metric}_{end}")) for end in ("low", "high"))


def _number(value: object) -> float | None:
    """A finite number, or None: what a file holds may be anything."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300 or math.isnan(value):
        return None
    return float(value)
