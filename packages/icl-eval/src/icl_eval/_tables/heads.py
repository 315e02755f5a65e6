"""Heads of a model as tables for the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from rich.table import Table

from icl_data.foundation.printable import printable
from icl_eval._tables.terminal import plain_table
from icl_train import headline_of

if TYPE_CHECKING:
    import pandas as pd

    from icl_eval._heads.patching import Patching

__all__ = ["ablation_table", "composition_table", "heads_left_out", "patch_table", "scores_table", "whole_lines"]

_COLUMNS = {
    "induction": "induction",
    "previous_token": "previous",
    "label_copy": "label copy",
    "direct": "direct",
    "entropy": "entropy",
}
_MOST_HEADS = 32  # in a table; of more, the strongest
_MOST_PAIRS = 6
_MOST_TOKENS = 3
_PARTS = {"attention": "attention", "mlp": "MLP", "layer": "layer"}


def whole_lines(frame: pd.DataFrame) -> str:
    """How well the model does on the sequences, in two lines.

    Args:
        frame: of ``measure_heads``, of one step.
    """
    whole = frame[frame["kind"] == "model"].set_index("measure")
    accuracy, loss = whole.loc["accuracy"], whole.loc["loss"]
    interval = f"{accuracy['low']:.3f}-{accuracy['high']:.3f}, chance {accuracy['reference']:.3g}"
    head = f"step {frame['step'].iloc[0]}, {accuracy['split']}, {accuracy['n']} sequences"
    return f"{head}\naccuracy {accuracy['value']:.3f} ({interval}), loss {loss['value']:.3f}"


def scores_table(frame: pd.DataFrame) -> Table:
    """A row for each head, with 95% intervals, and one for attention to all tokens alike; of many heads the strongest.

    Args:
        frame: of ``measure_heads``, of one step.
    """
    scores = frame[frame["kind"] == "head"]
    measures = [measure for measure in _COLUMNS if (scores["measure"] == measure).any()]
    table = plain_table()
    table.add_column("head", no_wrap=True)
    for measure in measures:
        table.add_column(_COLUMNS[measure], justify="right", no_wrap=True)
    shown = _strongest(scores)
    rows: Iterator[Any] = scores.itertuples()
    cells = {(int(row.layer), int(row.head), row.measure): row for row in rows}
    for layer, head in shown:
        found = (cells.get((layer, head, measure)) for measure in measures)
        table.add_row(f"{layer}.{head}", *("" if one is None else _with_half(one) for one in found))
    alike = scores.groupby("measure")["reference"].first()
    table.add_row("alike", *(_signed(float(alike[measure])) for measure in measures))
    return table


def heads_left_out(frame: pd.DataFrame) -> int:
    """How many heads :func:`scores_table` does not show."""
    scores = frame[frame["kind"] == "head"]
    return len(_heads(scores)) - len(_strongest(scores))


def ablation_table(frame: pd.DataFrame) -> Table | None:
    """What taking out each part changes, a column for each evaluation and outcome; None where nothing was taken out.

    Args:
        frame: of ``measure_heads``, of one step.
    """
    rows = frame[frame["measure"].str.startswith("ablation_")]
    if rows.empty:
        return None
    table = plain_table()
    table.add_column("without", no_wrap=True)
    columns = list(dict.fromkeys(zip(rows["split"], rows["measure"], strict=True)))
    for split, measure in columns:
        table.add_column(f"{headline_of(split).short} {measure.removeprefix('ablation_')}", justify="right")
    cells = {(_part(row), row.split, row.measure): row for row in rows.itertuples()}
    shown = {f"{layer}.{head}" for layer, head in _strongest(frame[frame["kind"] == "head"])}
    for part in dict.fromkeys(part for part, *_ in cells):
        if part in shown or not part[0].isdecimal():
            table.add_row(part, *(_with_half(cells[part, split, measure]) for split, measure in columns))
    whole = rows.groupby(["split", "measure"])["reference"].first()
    table.add_row("(nothing)", *(f"{whole[split, measure]:.3f}" for split, measure in columns))
    return table


def composition_table(frame: pd.DataFrame) -> Table | None:
    """The pairs of heads that compose most, of each kind; None where there are none.

    Args:
        frame: of ``measure_heads``, of one step.
    """
    pairs = frame[frame["kind"] == "pair"].dropna(subset=["value"])
    if pairs.empty:
        return None
    table = plain_table()
    kinds = {"q_composition": "Q", "k_composition": "K", "v_composition": "V"}
    strongest = [
        [_pair(row) for row in pairs[pairs["measure"] == measure].nlargest(_MOST_PAIRS, "value").itertuples()]
        for measure in kinds
    ]
    for letter in kinds.values():
        table.add_column(f"{letter}-composition", justify="right", no_wrap=True)
    for row in zip_longest(*strongest, fillvalue=""):
        table.add_row(*row)
    return table


def patch_table(found: Patching) -> Table:
    """For each site, the tokens at which patching recovers most.

    Args:
        found: of ``activation_patching``.
    """
    table = plain_table()
    table.add_column("site", overflow="fold")
    shown = min(_MOST_TOKENS, len(found.positions))
    for place in range(shown):
        table.add_column("recovered most at" if not place else "then at", justify="right", no_wrap=True)
    for row, site in enumerate(found.sites):
        values = found.recovered.value[row]
        order = sorted(range(len(values)), key=lambda place: -abs(values[place]))[:shown]
        halves = (found.recovered.high - found.recovered.low)[row] / 2
        cells = (f"{found.positions[place]} {_plus_minus(values[place], halves[place])}" for place in order)
        table.add_row(printable(site), *cells)
    return table


def _heads(scores: pd.DataFrame) -> list[tuple[int, int]]:
    return sorted(set(zip(scores["layer"].astype(int), scores["head"].astype(int), strict=True)))


def _strongest(scores: pd.DataFrame) -> list[tuple[int, int]]:
    """All heads, or those of greatest absolute score in turns of the measures."""
    heads = _heads(scores)
    if len(heads) <= _MOST_HEADS:
        return heads
    orders = [list(_in_order(scores[scores["measure"] == measure])) for measure in _COLUMNS]
    chosen: dict[tuple[int, int], None] = {}
    for turn in zip_longest(*orders):  # one measure may have fewer heads than another, or none
        chosen |= dict.fromkeys(head for head in turn if head is not None)
        if len(chosen) >= _MOST_HEADS:
            break
    return sorted(list(chosen)[:_MOST_HEADS])


def _in_order(scores: pd.DataFrame) -> Iterator[tuple[int, int]]:
    by_size = scores.assign(size=scores["value"].abs()).sort_values("size", ascending=False)
    yield from zip(by_size["layer"].astype(int), by_size["head"].astype(int), strict=True)


def _pair(row: Any) -> str:
    return f"{row.layer}.{row.head} > {row.reading_layer}.{row.reading_head} {_signed(row.value)}"


def _part(row: Any) -> str:
    return f"{row.layer}.{row.head}" if row.kind == "head" else f"{_PARTS[row.kind]} {row.layer}"


def _signed(value: float) -> str:
    return "" if math.isnan(value) else f"{value:+.3f}"


def _with_half(row: Any) -> str:
    """A value and half its interval: ``+0.853 ±.012``; large ones with fewer digits."""
    return _plus_minus(row.value, (row.high - row.low) / 2)


def _plus_minus(value: float, half: float) -> str:
    if math.isnan(half):
        return _signed(value)
    return f"{value:+.3f} ±{half:.3f}".replace("±0.", "±.") if half < 10 else f"{value:+.1f} ±{half:.0f}"
