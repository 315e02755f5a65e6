"""Pictures from the table of runs: panels by measures and settings, lines by a setting, means over seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from icl_eval._picture.axes import TIME, measure_axis, place_on, setting_axis, time_axis
from icl_eval._picture.bands import BAND_NAMES, Band, band_note, check_band
from icl_eval._picture.groups import Group, named
from icl_eval._picture.measures import Measure
from icl_eval._picture.picture import Axis, Line, Mark, Panel, next_mark
from icl_eval._picture.runs import RunSettings, values_of
from icl_eval._picture.series import Curve, Moment, Series, at_moment, curve, series_of
from icl_eval._picture.values import is_number, short_setting, shown

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Layout", "Published", "batch_of", "close_up", "notes_of", "panels_of"]

Published = Callable[[Mapping[str, Any], Measure], Sequence[tuple[int, float]]]
"""Settings of a run and a measure → (step, value) of the paper's run with these settings, if there is one."""

PANELS_IN_A_ROW = 3


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What is shown where.

    Attributes:
        measures: what is measured; several stand beside each other, or below each other where ``column`` is set.
        down: several stand below each other in any case.
        x: ``step``, ``sequences``, or a setting.
        hue: the setting that tells lines apart; None for one line.
        row, column: settings with a row or column of panels for each value.
        at: the moment of each run, where x is a setting.
        band: what is drawn around means.
        log_x: a scale of logarithms for x; None for one where values of a setting span decades.
        published: values of a paper; None for none.
        letters: letter of the panel's name in its paper, for each measure.
    """

    measures: tuple[Measure, ...]
    down: bool = False
    x: str = "step"
    hue: str | None = None
    row: str | None = None
    column: str | None = None
    at: Moment | int = "last"
    band: Band = "range"
    log_x: bool | None = None
    published: Published | None = None
    letters: tuple[str, ...] = ()

    @property
    def axes(self) -> tuple[str, ...]:
        """The settings that it shows."""
        return tuple(one for one in (self.x, self.hue, self.row, self.column) if one and one not in TIME)


def panels_of(table: pd.DataFrame, runs: RunSettings, groups: Sequence[Group], layout: Layout) -> tuple[Panel, ...]:
    """The panels of some runs; places where no run has anything to show are left out.

    Args:
        table: tidy table.
        runs: settings by run.
        groups: runs that stand together, panel by panel.
        layout: what is shown where.
    """
    check_band(layout.band)
    series = {measure: series_of(table, measure) for measure in layout.measures}
    hues = values_of(runs, layout.hue) if layout.hue else [None]
    x = _x_axis(layout, runs, groups)
    panels = []
    for place, measure, of_runs, title, told in _cells(layout, runs, groups):
        there = [run for run in of_runs if run in series[measure]]
        lines = tuple(
            line
            for hue, value in enumerate(hues)
            if (chosen := [run for run in there if not layout.hue or runs[run].get(layout.hue) == value])
            for line in [
                _line(layout, measure, x, hue, value, {run: series[measure][run] for run in chosen}, runs, told)
            ]
            if len(line.x)
        )
        if lines:
            panels.append(
                Panel(
                    row=place[0],
                    column=place[1],
                    title=title,
                    x=x,
                    y=measure_axis(measure),
                    lines=_with_numbers_of_runs(lines),
                    hue_name=short_setting(layout.hue) if layout.hue else "",
                    n_hues=len(hues),
                    ordered=all(map(is_number, hues)),
                    band=BAND_NAMES[layout.band],
                    batch=batch_of(runs, there),
                )
            )
    return close_up(panels, reflow=layout.row is None and not layout.down)


def notes_of(panels: Sequence[Panel], band: Band, *, at: str = "") -> tuple[str, ...]:
    """What a reader of these panels has to know, sentence by sentence."""
    lines = [line for panel in panels for line in panel.lines]
    notes = [band_note(band, {int(n) for line in lines for n in line.n_runs})]
    if at:
        notes.append(at)
    if any(panel.chances for panel in panels):
        notes.append("Dashed: guessing.")
    if any(line.marks for line in lines):
        ends = [(panel, float(max(line.x.max() for line in panel.lines))) for panel in panels if panel.lines]
        following = [(next_mark(line.marks, end), end) for panel, end in ends for line in panel.lines]
        beyond = any(mark is not None and mark.x > end for mark, end in following)
        edge = "; right of a panel, the next one beyond its end, at the step that is named" if beyond else ""
        notes.append(f"Open diamonds: published values of Chan et al. 2022, read off to ±.02{edge}.")
    return tuple(notes)


def _cells(
    layout: Layout, runs: RunSettings, groups: Sequence[Group]
) -> Iterator[tuple[tuple[int, int], Measure, list[str], str, dict[str, Any]]]:
    """Place, measure, runs, title and settings of each panel."""
    columns = values_of(runs, layout.column) if layout.column else [None]
    rows = values_of(runs, layout.row) if layout.row else [None]
    below = layout.down or layout.column is not None
    n = len(layout.measures)
    for g, group in enumerate(groups):
        for r, row in enumerate(rows):
            for m, measure in enumerate(layout.measures):
                for c, column in enumerate(columns):
                    line = (g * len(rows) + r) * (n if below else 1) + (m if below else 0)
                    chosen = [
                        run
                        for run in group.runs
                        if (not layout.row or runs[run].get(layout.row) == row)
                        and (not layout.column or runs[run].get(layout.column) == column)
                    ]
                    said = [
                        *([named(layout.row, row)] if layout.row else []),
                        *([named(layout.column, column)] if layout.column else []),
                    ]
                    letter = f"{layout.letters[m]}  " if layout.letters else ""
                    first = letter + ", ".join([*([measure.short] if n > 1 else []), *said])
                    title = "\n".join(part for part in (first.strip(), group.title) if part)
                    told = {name: value for name, value in ((layout.row, row), (layout.column, column)) if name}
                    yield (line, c if below else m), measure, chosen, title, group.settings | told


def _x_axis(layout: Layout, runs: RunSettings, groups: Sequence[Group]) -> Axis:
    if layout.x in TIME:
        return time_axis(layout.x, log=bool(layout.log_x))
    values = values_of(runs, layout.x, [run for group in groups for run in group.runs])
    return setting_axis(layout.x, values, log=layout.log_x)


def _line(
    layout: Layout,
    measure: Measure,
    x: Axis,
    hue: int,
    value: Any,
    series: Mapping[str, Series],
    runs: RunSettings,
    told: Mapping[str, Any],
) -> Line:
    label = shown(value, layout.hue) if layout.hue else ""
    settings = {**told, **({layout.hue: value} if layout.hue else {})}
    first = next(iter(series))
    published = layout.published or (lambda settings, measure: ())
    if layout.x in TIME:
        one = curve(series, band=layout.band)
        one = one.from_step(1) if x.log else one
        one = replace(one, chance=_chance(one, measure, runs[first]))
        points = published(runs[first], measure)
        places = one.steps if layout.x == "step" else one.sequences
        batch = 1 if layout.x == "step" else (batch_of(runs, list(series)) or 1)
        marks = tuple(Mark(x=step * batch, y=y) for step, y in points)
        return _as_line(one, places, label=label, hue=hue, settings=settings, marks=marks)
    by_value: dict[float, list[str]] = {}
    for run in series:
        by_value.setdefault(place_on(x, runs[run].get(layout.x)), []).append(run)
    curves = [
        at_moment({run: series[run] for run in by_value[at]}, layout.at, band=layout.band) for at in sorted(by_value)
    ]
    found = [(at, published(runs[by_value[at][0]], measure)) for at in sorted(by_value)]
    marks = tuple(Mark(x=at, y=points[-1][1]) for at, points in found if points)
    joined = Curve(
        **{
            name: np.concatenate([getattr(one, name) for one in curves])
            for name in ("steps", "sequences", "mean", "low", "high", "n_runs", "n_sequences")
        },
        chance=curves[0].chance,
    )
    line = _as_line(joined, np.array(sorted(by_value)), label=label, hue=hue, settings=settings, marks=marks)
    said = zip(curves, sorted(by_value), strict=True)
    return replace(line, chance=np.array([_chance(one, measure, runs[by_value[at][0]]) for one, at in said]))


def _chance(one: Curve, measure: Measure, settings: Mapping[str, Any]) -> float:
    return measure.chance(settings) if np.isnan(one.chance) else one.chance


def _as_line(one: Curve, x: Any, **rest: Any) -> Line:
    return Line(
        x=np.asarray(x, dtype=float),
        y=one.mean,
        low=one.low,
        high=one.high,
        n_runs=one.n_runs,
        n_sequences=one.n_sequences,
        chance=np.full(len(one.mean), one.chance),
        **rest,
    )


def _with_numbers_of_runs(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Lines of one panel that are means of different numbers of runs say so in their labels."""
    numbers = {tuple(sorted(set(line.n_runs.tolist()))) for line in lines}
    if len(numbers) == 1:
        return lines
    return tuple(replace(line, label=f"{line.label} (n = {_range(line.n_runs.tolist())})".strip()) for line in lines)


def _range(numbers: Sequence[int]) -> str:
    return f"{min(numbers)}" if min(numbers) == max(numbers) else f"{min(numbers)} to {max(numbers)}"


def batch_of(runs: RunSettings, of: Sequence[str]) -> int | None:
    """Sequences of an update, if all of these runs have the same."""
    sizes = values_of(runs, "train.batch_size", of)
    return sizes[0] if len(sizes) == 1 else None


def close_up(panels: Sequence[Panel], *, reflow: bool) -> tuple[Panel, ...]:
    """The panels without empty rows and columns; a single column of them is set in rows, if it may be."""
    rows, columns = (sorted({getattr(panel, side) for panel in panels}) for side in ("row", "column"))
    if len(columns) == 1 and reflow:
        ordered = sorted(panels, key=lambda panel: panel.row)
        return tuple(
            replace(panel, row=place // PANELS_IN_A_ROW, column=place % PANELS_IN_A_ROW)
            for place, panel in enumerate(ordered)
        )
    return tuple(
        replace(panel, row=rows.index(panel.row), column=columns.index(panel.column))
        for panel in sorted(panels, key=lambda panel: (panel.row, panel.column))
    )
