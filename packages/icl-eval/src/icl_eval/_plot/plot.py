"""A picture of any setting or time against any measures. Only runs that differ in their seeds alone are averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from icl_eval._picture.axes import TIME
from icl_eval._picture.bands import Band
from icl_eval._picture.build import Layout, notes_of, panels_of
from icl_eval._picture.groups import Group, not_said, shared_by
from icl_eval._picture.measures import find_measure
from icl_eval._picture.names import chosen_runs, conditions, find_setting, is_seed
from icl_eval._picture.picture import Picture
from icl_eval._picture.runs import RunSettings, run_settings, values_of
from icl_eval._picture.series import Moment, cut_short, series_of
from icl_eval._picture.values import few, short_setting
from icl_train import RunError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Asked", "plot_picture"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody wants to see; names as people write them (see `icl-eval plot --help`)."""

    x: str
    y: tuple[str, ...]
    hue: str | None = None
    row: str | None = None
    column: str | None = None
    at: Moment | int = "last"
    where: tuple[str, ...] = ()
    band: Band = "range"
    log_x: bool | None = None


def plot_picture(table: pd.DataFrame, asked: Asked, *, name: str) -> Picture:
    """The picture that is asked for.

    Args:
        table: tidy table of runs.
        asked: what is wanted.
        name: of the files.

    Raises:
        ValueError: if there is no such setting or measure; if runs that would be averaged differ in more than seeds.
        RunError: if no run is left, or one has not the step that was asked for.
    """
    columns, given = list(table.columns), run_settings(table)
    named = {
        option: find_setting(option, value, columns, given)
        for option, value in (("--x", asked.x), ("--hue", asked.hue), ("--row", asked.row), ("--col", asked.column))
        if value is not None and not (option == "--x" and value in TIME)
    }
    if asked.at != "last" and asked.x in TIME:
        raise ValueError(f"--at is the moment of each run where --x is a setting, got {asked.at} beside --x {asked.x}")
    for option, setting in named.items():
        if list(named.values()).count(setting) > 1:
            others = [other for other, value in named.items() if value == setting and other != option]
            raise ValueError(f"{option} and {others[0]} must be different settings, got {setting} for both")
    # Runs may be chosen by their seeds as well, which are else not looked at.
    where = conditions("--where", asked.where)
    chosen = chosen_runs("--where", where, columns, run_settings(table, also=tuple(filter(is_seed, columns))))
    runs = {run: of for run, of in run_settings(table, also=tuple(named.values())).items() if run in chosen}
    measures = tuple(find_measure("--y", one, table) for one in dict.fromkeys(asked.y))
    recorded = {run for measure in measures for run in series_of(table, measure)}
    runs = {run: settings for run, settings in runs.items() if run in recorded}
    if not runs:
        among = f" where {', '.join(asked.where)}" if asked.where else ""
        raise RunError(f"no run is left that recorded {', '.join(asked.y)}{among}")
    layout = Layout(
        measures=measures,
        x=named.get("--x", asked.x),
        hue=named.get("--hue"),
        row=named.get("--row"),
        column=named.get("--col"),
        at=asked.at,
        band=asked.band,
        log_x=asked.log_x,
    )
    beside = _refuse_averages(runs, layout.axes)
    panels = panels_of(table, runs, [Group({}, tuple(runs), "")], layout)
    if not panels:
        raise RunError("--log-x needs records after the first update, found none")
    short = dict.fromkeys(run for measure in measures for run in cut_short(table, measure) if run in runs)
    moment = "" if layout.x in TIME else _moment(asked.at, list(short))
    return Picture(
        name=name,
        title=_title(layout),
        shared=shared_by(runs, besides=layout.axes),
        panels=panels,
        notes=(*notes_of(panels, asked.band, at=moment), *([beside] if beside else [])),
    )


def _refuse_averages(runs: RunSettings, axes: Sequence[str]) -> str:
    """ValueError if runs of one point differ in more than seeds; else a sentence on what varies with the axes."""
    cells: dict[tuple[Any, ...], RunSettings] = {}
    for run, settings in runs.items():
        cells.setdefault(tuple(settings.get(name) for name in axes), {})[run] = settings
    mixed = list(dict.fromkeys(name for cell in cells.values() for name in not_said(cell, axes)))
    if mixed:
        told = " and ".join(f"{name} ({few(values_of(runs, name))})" for name in mixed[:4])
        more = f" and {len(mixed) - 4} more" if len(mixed) > 4 else ""
        value = values_of(runs, mixed[0])[0]
        raise ValueError(
            f"only seeds are averaged over, and these runs differ in {told}{more} as well: give it to --x, "
            f"--hue, --row or --col, or keep some runs by --where {mixed[0]}={'default' if value is None else value}"
        )
    along = [name for name in not_said(runs, axes) if not is_seed(name)]
    return f"Differing along with what is shown: {', '.join(along)}." if along else ""


def _moment(at: Moment | int, short: Sequence[str]) -> str:
    if at == "last":
        return f"Each run at its last record{f' that is finite, {few(short)} before its end' if short else ''}."
    return "Each run at its greatest value." if at == "peak" else f"Each run at step {at:,}."


def _title(layout: Layout) -> str:
    what = ", ".join(measure.short for measure in layout.measures)
    by = [short_setting(name) for name in layout.axes]
    return f"{what} by {', '.join(by)}" if by else f"{what} over training"
