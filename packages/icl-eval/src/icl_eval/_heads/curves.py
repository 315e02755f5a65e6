"""Scores of heads along training, beside accuracy and loss on the same sequences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from icl_eval._picture.picture import Axis, Line, Panel, Picture

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["training_picture"]

_Y = {
    "accuracy": "accuracy",
    "loss": "loss at the query (nats)",
    "induction": "induction",
    "previous_token": "previous token",
    "label_copy": "label copy (logits)",
    "direct": "direct contribution (logits)",
    "entropy": "entropy of attention (nats)",
}
_NAMED = 4  # heads of a panel that are told apart
_FEWEST = 8  # of labels, of whose mean an interval is drawn: those of fewer hide everything else


def training_picture(frame: pd.DataFrame, *, name: str, title: str, batch: int, notes: tuple[str, ...] = ()) -> Picture:
    """A panel for each measure: the heads that reach furthest from where they started are named, the others thin.

    Args:
        frame: of ``measure_heads``, of several steps.
        name, title, notes: of the picture.
        batch: sequences of an update.
    """
    rows = frame[frame["kind"].isin(["model", "head"])]
    layers = int(rows["layer"].max()) + 1
    panels: list[Panel] = []
    for measure, label in _Y.items():
        of_panel = rows[rows["measure"] == measure]
        if of_panel.empty:
            continue
        lines = _whole(of_panel) if measure in ("accuracy", "loss") else _heads(of_panel)
        panels.append(
            Panel(
                row=len(panels) // 2,
                column=len(panels) % 2,
                title="",
                x=Axis(name="step", label="training steps (updates)", kind="steps"),
                y=Axis(name=measure, label=label, kind="accuracy" if measure == "accuracy" else "linear"),
                lines=lines,
                hue_name="" if measure in ("accuracy", "loss") else "layer.head",
                n_hues=1 if measure in ("accuracy", "loss") else layers,
                ordered=measure not in ("accuracy", "loss"),
                batch=batch,
            )
        )
    return Picture(name=name, title=title, shared="", panels=tuple(panels), notes=notes)


def _line(rows: pd.DataFrame, *, label: str, hue: int, thin: bool) -> Line:
    reference = rows["reference"].to_numpy(float)
    count, n = len(rows), rows["n"].to_numpy(np.int64)
    low, high = (np.where(n < _FEWEST, math.nan, rows[bound].to_numpy(float)) for bound in ("low", "high"))
    return Line(
        label=label,
        hue=hue,
        x=rows["step"].to_numpy(float),
        y=rows["value"].to_numpy(float),
        low=low,
        high=high,
        n_runs=np.ones(count, np.int64),
        n_sequences=n,
        chance=np.full(count, math.nan) if thin else reference,
        kind="run" if thin else "mean",
    )


def _whole(rows: pd.DataFrame) -> tuple[Line, ...]:
    return (_line(rows.sort_values("step"), label="", hue=0, thin=False),)


def _heads(rows: pd.DataFrame) -> tuple[Line, ...]:
    ordered = rows.sort_values(["layer", "head", "step"])
    places = list(zip(ordered["layer"].astype(int), ordered["head"].astype(int), strict=True))
    of_heads = {head: ordered[[place == head for place in places]] for head in dict.fromkeys(places)}
    reach = {head: float(np.ptp(part["value"].to_numpy(float))) for head, part in of_heads.items()}
    named = sorted(reach, key=lambda head: -reach[head])[:_NAMED]
    lines = [
        _line(part, label=f"{head[0]}.{head[1]}" if head in named else "", hue=head[0], thin=head not in named)
        for head, part in of_heads.items()
    ]
    return tuple(sorted(lines, key=lambda line: line.kind != "run"))
