"""Scores as heat maps, as numbers: over layers and heads, over pairs of heads, over pairs of tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from icl_eval._heads.estimates import Floats
from icl_eval._heads.patching import Patching
from icl_eval._heads.patterns import AttentionPattern

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HeatMap", "MapPicture", "ablation_maps", "attention_maps", "composition_maps", "patch_map", "score_maps"]

_TITLES = {
    "induction": "Induction: query to right label, less wrong",
    "previous_token": "Previous token: label to its item",
    "label_copy": "Label copy: own label's logit, less others'",
    "entropy": "Entropy of the query's attention (nats)",
    "direct": "Direct contribution to right logit, less wrong",
}
_IN_A_ROW = 4  # sequences
_PARTS = {"attention": "attn", "mlp": "MLP", "layer": "layer"}
_LIMITS = {"induction": (-1.0, 1.0), "previous_token": (0.0, 1.0)}


@dataclass(frozen=True, kw_only=True, eq=False)
class HeatMap:
    """One heat map.

    Attributes:
        row, column: its place among the others.
        title: what it shows.
        values: (rows, columns), NaN where there is nothing.
        row_names, column_names: of the rows, from the top, and of the columns.
        row_label, column_label: what these are.
        low, high: numbers of the ends of the colours.
        marked: columns whose names stand out.
        written: whether the numbers are written into the cells.
    """

    row: int
    column: int
    title: str
    values: Floats
    row_names: tuple[str, ...]
    column_names: tuple[str, ...]
    row_label: str
    column_label: str
    low: float
    high: float
    marked: tuple[int, ...] = ()
    written: bool = False

    @property
    def signed(self) -> bool:
        """Whether colours tell what is above zero from what is below."""
        return self.low < 0


@dataclass(frozen=True, kw_only=True, eq=False)
class MapPicture:
    """Heat maps on one page.

    Attributes:
        name: of the files.
        title: what is shown.
        maps: row by row.
        notes: what a reader has to know.
    """

    name: str
    title: str
    maps: tuple[HeatMap, ...]
    notes: tuple[str, ...] = ()


def _around_zero(values: Floats, *, least: float) -> tuple[float, float]:
    """Limits that are alike on both sides of zero, and so far apart that what is next to nothing looks so."""
    there = np.abs(values[np.isfinite(values)])
    most = max(least, float(there.max())) if there.size else least
    return -most, most


def _grid(rows: pd.DataFrame, row: str, column: str, shape: tuple[int, int] | None = None) -> Floats:
    height, width = shape or (int(rows[row].max()) + 1, int(rows[column].max()) + 1)
    values = np.full((height, width), math.nan)
    values[rows[row].to_numpy(int), rows[column].to_numpy(int)] = rows["value"].to_numpy(float)
    return values


def _numbers(count: int) -> tuple[str, ...]:
    return tuple(map(str, range(count)))


def score_maps(frame: pd.DataFrame, *, name: str, title: str, notes: Sequence[str] = ()) -> MapPicture:
    """The scores of the last step, over layers and heads.

    Args:
        frame: of ``measure_heads``.
        name, title, notes: of the picture.
    """
    last = frame[(frame["step"] == frame["step"].max()) & (frame["kind"] == "head")]
    maps: list[HeatMap] = []
    for measure in _TITLES:
        rows = last[last["measure"] == measure]
        if rows.empty:
            continue
        values = _grid(rows, "layer", "head")
        low, high = _LIMITS.get(measure, _around_zero(values, least=1.0))
        if measure == "entropy":
            low, high = 0.0, float(rows["reference"].iloc[0])
        maps.append(
            HeatMap(
                row=len(maps) // 2,
                column=len(maps) % 2,
                title=_TITLES[measure],
                values=values,
                row_names=_numbers(values.shape[0]),
                column_names=_numbers(values.shape[1]),
                row_label="layer",
                column_label="head",
                low=low,
                high=high,
                written=True,
            )
        )
    return MapPicture(name=name, title=title, maps=tuple(maps), notes=tuple(notes))


def ablation_maps(frame: pd.DataFrame, *, name: str, title: str, notes: Sequence[str] = ()) -> MapPicture:
    """What taking a part out changes at the last step, over layers and parts; a map for each evaluation and outcome.

    Args:
        frame: of ``measure_heads``.
        name, title, notes: of the picture.
    """
    rows = frame[(frame["step"] == frame["step"].max()) & frame["measure"].str.startswith("ablation_")]
    maps = []
    layers = int(rows["layer"].max()) + 1
    heads = int(rows["head"].max()) + 1 if rows["head"].notna().any() else 0
    others = [kind for kind in _PARTS if (rows["kind"] == kind).any()]
    parts = (*_numbers(heads), *(_PARTS[kind] for kind in others))
    for column, outcome in enumerate(("accuracy", "loss")):
        for row, split in enumerate(dict.fromkeys(rows["split"])):
            of_map = rows[(rows["split"] == split) & (rows["measure"] == f"ablation_{outcome}")]
            values = np.full((layers, len(parts)), math.nan)
            for kind, layer, head, value in zip(
                of_map["kind"], of_map["layer"], of_map["head"], of_map["value"], strict=True
            ):
                values[int(layer), int(head) if kind == "head" else heads + others.index(kind)] = value
            whole = float(of_map["reference"].iloc[0])
            low, high = (-1.0, 1.0) if outcome == "accuracy" else _around_zero(values, least=0.5)
            maps.append(
                HeatMap(
                    row=row,
                    column=column,
                    title=f"{split}: change of {outcome}, {whole:.3g} with all parts",
                    values=values,
                    row_names=_numbers(layers),
                    column_names=parts,
                    row_label="layer",
                    column_label="head, or part, that is taken out",
                    low=low,
                    high=high,
                    written=True,
                )
            )
    return MapPicture(name=name, title=title, maps=tuple(maps), notes=tuple(notes))


def composition_maps(frame: pd.DataFrame, *, name: str, title: str, notes: Sequence[str] = ()) -> MapPicture:
    """Composition of heads: those that write below, those that read on the left.

    Args:
        frame: of ``measure_heads``.
        name, title, notes: of the picture.
    """
    rows = frame[frame["kind"] == "pair"]
    heads, reading = int(rows["head"].max()) + 1, int(rows["reading_head"].max()) + 1
    layers = int(rows["reading_layer"].max()) + 1
    kinds = {"q_composition": "Q", "k_composition": "K", "v_composition": "V"}
    _, high = _around_zero(rows["value"].to_numpy(float), least=0.05)
    maps = []
    for column, (measure, letter) in enumerate(kinds.items()):
        of_kind = rows[rows["measure"] == measure].assign(
            across=lambda found: found["layer"] * heads + found["head"],
            down=lambda found: (found["reading_layer"] - 1) * reading + found["reading_head"],
        )
        shape = ((layers - 1) * reading, (layers - 1) * heads)
        maps.append(
            HeatMap(
                row=0,
                column=column,
                title=f"{letter}-composition",
                values=_grid(of_kind, "down", "across", shape),
                row_names=tuple(f"{layer}.{head}" for layer in range(1, layers) for head in range(reading)),
                column_names=tuple(f"{layer}.{head}" for layer in range(layers - 1) for head in range(heads)),
                row_label="layer.head that reads",
                column_label="layer.head that writes",
                low=-high,
                high=high,
            )
        )
    return MapPicture(name=name, title=title, maps=tuple(maps), notes=tuple(notes))


def patch_map(found: Patching, *, name: str, title: str, notes: Sequence[str] = ()) -> MapPicture:
    """What patching recovers, over sites and tokens.

    Args:
        found: of ``activation_patching``.
        name, title, notes: of the picture.
    """
    values = found.recovered.value
    low, high = _around_zero(values, least=1.0)
    one = HeatMap(
        row=0,
        column=0,
        title="Share of the difference of logits that is recovered",
        values=values,
        row_names=found.sites,
        column_names=found.positions,
        row_label="site",
        column_label="token",
        low=low,
        high=high,
        written=True,
    )
    return MapPicture(name=name, title=title, maps=(one,), notes=tuple(notes))


def attention_maps(
    patterns: Sequence[AttentionPattern], *, name: str, title: str, notes: Sequence[str] = ()
) -> MapPicture:
    """The attention of heads in single sequences: head after head, four sequences in a row.

    Args:
        patterns: of ``attention_patterns``.
        name, title, notes: of the picture.
    """
    heads = list(dict.fromkeys((one.layer, one.head) for one in patterns))
    sequences = list(dict.fromkeys(one.sequence for one in patterns))
    rows = -(-len(sequences) // _IN_A_ROW)
    maps = [
        HeatMap(
            row=heads.index((one.layer, one.head)) * rows + sequences.index(one.sequence) // _IN_A_ROW,
            column=sequences.index(one.sequence) % _IN_A_ROW,
            title=f"sequence {one.sequence}, head {one.layer}.{one.head}",
            values=np.where(np.tri(len(one.tokens), dtype=bool), one.weights, math.nan),
            row_names=one.tokens,
            column_names=one.tokens,
            row_label="from",
            column_label="to",
            low=0.0,
            high=1.0,
            marked=tuple(place for place, right in enumerate(one.right) if right),
        )
        for one in patterns
    ]
    return MapPicture(name=name, title=title, maps=tuple(maps), notes=tuple(notes))
