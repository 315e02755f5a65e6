"""Verdicts as rows, and as a table for the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

from icl_data.foundation.printable import printable
from icl_eval._claims.checking import Verdict
from icl_eval._claims.matching import Performed
from icl_eval._tables.files import Row
from icl_models import Claim
from icl_train import ExperimentRun

__all__ = ["claim_rows", "claim_table", "run_label"]


def run_label(run: ExperimentRun) -> str:
    """A planned run in words: ``data.p_bursty 0.9, seed 0``."""
    draw = [] if run.draw is None else [f"draw {run.draw}"]
    return printable(", ".join([*(f"{axis} {label}" for axis, label in run.where.items()), *draw, f"seed {run.seed}"]))


def claim_rows(done: Performed, judged: Sequence[Verdict]) -> list[Row]:
    """One row a claim.

    Args:
        done: the experiment and its runs.
        judged: what was found of its claims.
    """
    return [
        {
            "experiment": done.spec.name,
            "scale": done.scale,
            "claim": one.claim.says,
            "measure": one.claim.measure,
            "metric": one.claim.metric,
            "at": one.claim.at,
            "where": dict(one.claim.where),
            "than": None if one.claim.than is None else dict(one.claim.than),
            "measured": _finite(one.measured),
            "low": one.low,
            "high": one.high,
            "n_seeds": one.n,
            "above": one.claim.above,
            "below": one.claim.below,
            "judgement": one.judgement,
            "reason": one.reason,
        }
        for one in judged
    ]


def claim_table(judged: Sequence[Verdict]) -> Table:
    """Claims with what was measured, the bound, and whether they hold.

    Args:
        judged: what was found of an experiment's claims.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    table.add_column("claim")
    table.add_column("measured", justify="right", no_wrap=True)
    table.add_column("95% interval", justify="right", no_wrap=True)
    table.add_column("seeds", justify="right", no_wrap=True)
    table.add_column("bound", justify="right", no_wrap=True)
    table.add_column("", no_wrap=False)
    for one in judged:
        table.add_row(
            printable(f"{one.claim.says} ({_what(one.claim)})"),
            _number(one.measured),
            "" if one.low is None or one.high is None else f"{_number(one.low)} to {_number(one.high)}",
            str(one.n or ""),
            _bound(one.claim),
            printable(f"{one.judgement}: {one.reason}" if one.reason else one.judgement),
        )
    return table


def _what(claim: Claim) -> str:
    measure = f"{claim.measure} {claim.metric}" if claim.metric else claim.measure
    moment = {"last": "", "peak": "peak of ", "peak_step": "update of the peak of ", "fall": "fall of "}
    of = {"half_life": "half-life of "} | moment
    best = "best " if claim.over == "best" else ""
    return f"{of[claim.at]}{best}{measure}{_points(claim.where)}{_than(claim.than)}"


def _points(where: Mapping[str, str]) -> str:
    return " at " + ", ".join(f"{axis} {label}" for axis, label in where.items()) if where else ""


def _than(than: Mapping[str, str] | None) -> str:
    return "" if than is None else f", less that{_points(than) or ' of all'}"


def _bound(claim: Claim) -> str:
    bounds = [("> ", claim.above), ("< ", claim.below)]
    return " and ".join(f"{sign}{_number(value)}" for sign, value in bounds if value is not None)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    if not math.isfinite(value):
        return "never"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _finite(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else "never"
