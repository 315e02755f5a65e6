"""The numbers behind a figure: the rows of its files, and a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table

from icl_data.foundation.printable import printable
from icl_eval._figures.published import PUBLISHED_STEPS
from icl_eval._picture.picture import Line, Panel, next_mark
from icl_eval._runs import RunGroup, run_names
from icl_eval._tables.evaluations import evaluation_row
from icl_eval._tables.files import Row
from icl_eval._tables.terminal import plain_table
from icl_models import FigureSpec

__all__ = ["figure_table", "final_rows", "rows_table", "timeseries_rows"]


_TEXTS = ("run", "panel", "line", "varied")


def final_rows(spec: FigureSpec, groups: Iterable[RunGroup]) -> list[Row]:
    """One row per run: its last evaluation.

    Args:
        spec: the figure; the rows hold what it draws, and its controls.
        groups: runs, panel by panel.
    """
    return [rows[-1] for rows in _rows(spec, groups)]


def timeseries_rows(spec: FigureSpec, groups: Iterable[RunGroup]) -> list[Row]:
    """One row per run and evaluation.

    Args:
        spec: the figure; the rows hold what it draws, and its controls.
        groups: runs, panel by panel.
    """
    return [row for rows in _rows(spec, groups) for row in rows]


def _rows(spec: FigureSpec, groups: Iterable[RunGroup]) -> list[list[Row]]:
    """The rows of each run: a row for each evaluation that has what the figure draws."""
    members = [(group, series) for group in groups for series in group.series]
    names = run_names([series.run for _, series in members])
    rows = [
        [
            {
                "run": name,
                "group": group.title.replace("\n", "; "),
                "classes": series.class_count,
                "seed": series.seed,
                "step": evaluation.step,
                "sequences": evaluation.sequences,
                **evaluation_row(
                    {
                        split: evaluation.splits[split]
                        for split in (spec.measures[0], *spec.controls)
                        if split in evaluation.splits
                    }
                ),
            }
            for evaluation in series.evaluations
            if spec.measures[0] in evaluation.splits
        ]
        for name, (group, series) in zip(names, members, strict=True)
    ]
    return [of_run for of_run in rows if of_run]


def figure_table(panel: Panel) -> Table:
    """Last value of each curve, or every value where it stands against a setting, with its band and chance level.

    And the paper's value where there is one; ``n`` is the number of sequences measured, over all seeds.

    Args:
        panel: of a picture.
    """
    over_time = panel.x.kind in ("steps", "sequences")
    said = [(line, i) for line in panel.lines for i in ([len(line.x) - 1] if over_time else range(len(line.x)))]
    counted = any(line.n_sequences.any() for line in panel.lines)
    single, marked = {int(line.n_runs[i]) for line, i in said} == {1}, any(line.marks for line in panel.lines)
    table = plain_table()
    head = panel.hue_name.removeprefix("trained ") or "run"
    named = any(line.label or line.run for line in panel.lines)
    place = panel.x.name if over_time else panel.x.label
    value = "accuracy" if panel.y.kind == "accuracy" else panel.y.name.rpartition("/")[2]
    for column in (
        *([head] if named else []),
        "seeds",
        place,
        value,
        "95% interval" if single else panel.band,
        *(["chance"] if panel.chances else []),
        *(["n"] if counted else []),
    ):
        table.add_column(column, justify="right", no_wrap=column != head, overflow="fold")
    if marked:  # wraps where room is short
        table.add_column("paper" if over_time else f"paper ({PUBLISHED_STEPS // 1000}k)", justify="right")
    digits, to = (".3f", "-") if panel.y.kind == "accuracy" else (".4g", " to ")
    for line, i in said:
        low, high = line.low[i], line.high[i]
        band = f"{low:{digits}}{to}{high:{digits}}" if low == low else ""
        if band and not single and line.n_runs[i] == 1:
            band += " (95%)"
        table.add_row(
            *([printable(line.label.partition(" (n = ")[0] or line.run)] if named else []),
            f"{line.n_runs[i]}",
            _place(panel, line.x[i]),
            f"{line.y[i]:{digits}}",
            band,
            *([f"{line.chance[i]:.3g}" if line.chance[i] == line.chance[i] else ""] if panel.chances else []),
            *([f"{line.n_sequences[i]:,}"] if counted else []),
            *([_published(panel, line, line.x[i])] if marked else []),
        )
    return table


def _published(panel: Panel, line: Line, x: float) -> str:
    """The paper's value at a place; over training, that of the next place that has one, with it."""
    if panel.x.kind in ("steps", "sequences"):
        mark = next_mark(line.marks, x)
        return f"{mark.y:.2f} at {_place(panel, mark.x)}" if mark else ""
    return next((f"{mark.y:.2f}" for mark in line.marks if mark.x == x), "")


def _place(panel: Panel, x: float) -> str:
    if panel.x.kind == "category":
        return printable(panel.x.values[int(x)])
    return f"{x:,.0f}" if panel.x.kind in ("steps", "sequences") else f"{x:,.6g}"


def rows_table(rows: Sequence[Mapping[str, str]]) -> Table:
    """Rows of text as a table for the terminal."""
    table = plain_table()
    for column in dict.fromkeys(column for row in rows for column in row):
        table.add_column(column, justify="left" if column in _TEXTS else "right", overflow="fold")
    for row in rows:
        table.add_row(*(printable(cell) for cell in row.values()))
    return table
