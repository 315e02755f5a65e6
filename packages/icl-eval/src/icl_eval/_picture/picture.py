"""What is drawn, as values that know of no drawing: a picture has panels, a panel has lines, a line has points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Axis", "AxisKind", "Floats", "Ints", "Line", "LineKind", "Mark", "Panel", "Picture", "next_mark"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
AxisKind = Literal["steps", "sequences", "linear", "log", "category", "accuracy"]
LineKind = Literal["mean", "best", "run", "runs", "path"]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """An axis of a panel.

    Attributes:
        name: of its column in the CSV file ("step", "data.p_bursty", "fewshot_holdout/accuracy_closed").
        label: what stands beside it, with units.
        kind: updates, sequences, a number (evenly or in its logarithm; with 0 among the values of the latter, 0 stands
            one step below the least), places that have names, or an accuracy from 0 to 1.
        values: the places that have ticks: the names of a category, or the numbers that were tried; none for as they
            come.
        log: updates or sequences in their logarithm, where the one before the first is not.
    """

    name: str
    label: str
    kind: AxisKind
    values: tuple[str | float, ...] = ()
    log: bool = False


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A value of a paper, beside a line.

    Attributes:
        x: where, in units of the axis.
        y: the value.
    """

    x: float
    y: float


def next_mark(marks: Sequence[Mark], end: float) -> Mark | None:
    """Of a paper's values over training the first that is not before a curve's end: a later one says less of it.

    Args:
        marks: in order.
        end: where the curve ends, in units of the axis.
    """
    return next((mark for mark in marks if mark.x >= end), None)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a panel; arrays of (N,).

    Attributes:
        label: what is written at its end; empty for nothing.
        hue: which of its panel's hues: the same setting has the same colour, stroke and marker in all panels.
        x, y: its points.
        low, high: of the band; NaN for none.
        n_runs: runs whose mean a point is.
        n_sequences: sequences measured, over these runs; 0 where that is no measurement on sequences.
        chance: value of guessing at each point; NaN for none.
        settings: by dotted name, what its runs have in common and others of the picture have not.
        kind: a mean with its band, a best run, one of many runs, runs as points, or a path in time.
        marks: values of a paper.
        points: places on it that are marked, as (index, text).
        run: the run, if it is a single one.
        steps: updates at the points, where x is something else that changes in time; none otherwise.
        measure: name of what it is of, where the lines of a panel are of several measures; empty for the panel's own.
    """

    label: str
    hue: int
    x: Floats
    y: Floats
    low: Floats
    high: Floats
    n_runs: Ints
    n_sequences: Ints
    chance: Floats
    settings: Mapping[str, Any] = field(default_factory=dict)
    kind: LineKind = "mean"
    marks: tuple[Mark, ...] = ()
    points: tuple[tuple[int, str], ...] = ()
    run: str = ""
    steps: Ints | None = None
    measure: str = ""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel.

    Attributes:
        row, column: its place.
        title: what sets it apart from the others.
        x, y: its axes.
        lines: in the order of their hues.
        hue_name: what tells lines apart ("trained classes"); empty for nothing.
        n_hues: how many values that has in the picture.
        ordered: whether they are numbers, so that their colours are a scale.
        band: what is drawn around means of several runs, in a few words.
        batch: sequences of an update, where all lines have the same; None for no second axis.
        as_map: its lines are seen from above: a row of cells for each, the last one on top, a column for each place of
            x, which then has names, and the values, between 0 and 1, as colours.
    """

    row: int
    column: int
    title: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]
    hue_name: str = ""
    n_hues: int = 1
    ordered: bool = False
    band: str = "least-greatest"
    batch: int | None = None
    as_map: bool = False

    @property
    def chances(self) -> tuple[float, ...]:
        """The levels of guessing, ascending, each once."""
        levels = np.concatenate([line.chance for line in self.lines]) if self.lines else np.array([])
        return tuple(np.unique(levels[~np.isnan(levels)]).tolist())


@dataclass(frozen=True, kw_only=True)
class Picture:
    """All that one figure shows.

    Attributes:
        name: of the figure and its files.
        title: what it shows.
        shared: what its runs have in common, in words.
        panels: row by row.
        notes: what a reader has to know: what the band is, how many runs there are, what was read off a paper.
        table: rows to be printed in the place of the lines' last values; cells by column.
        told: what a reader of the table has to know, printed below it.
    """

    name: str
    title: str
    shared: str
    panels: tuple[Panel, ...]
    notes: tuple[str, ...] = ()
    table: tuple[Mapping[str, Any], ...] = ()
    told: str = ""
