"""Verdicts as rows, and as a table for the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

from rich.table import Table

from icl_data.foundation.printable import printable
from icl_eval._claims.checking import Verdict
from icl_eval._claims.matching import Performed
from icl_eval._tables.files import Row
from icl_eval._tables.terminal import plain_table
from icl_train import ExperimentRun

__all__ = ["claim_rows", "claim_table", "run_label"]


def run_label(run: ExperimentRun) -> str:
    """A planned run in words: ``data.p_bursty 0.9, seed 0``."""
    return printable(", ".join([*(f"{axis} {label}" for axis, label in run.where.items()), f"seed {run.seed}"]))


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
            "heads": None if one.claim.heads is None else asdict(one.claim.heads),
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
    table = plain_table()
    table.add_column("claim")
    table.add_column("measured", justify="right", no_wrap=True)
    table.add_column("95% interval", justify="right", no_wrap=True)
    table.add_column("seeds", justify="right", no_wrap=True)
    table.add_column("bound", justify="right", no_wrap=True)
    table.add_column("", no_wrap=False)
    for one in judged:
        table.add_row(
            printable(f"{one.claim.says} {one.claim.subject}"),
            _number(one.measured),
            "" if one.low is None or one.high is None else f"{_number(one.low)} to {_number(one.high)}",
            str(one.n or ""),
            one.claim.bound,
            printable(f"{one.judgement}: {one.reason}" if one.reason else one.judgement),
        )
    return table


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    if not math.isfinite(value):
        return "never"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _finite(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else "never"
