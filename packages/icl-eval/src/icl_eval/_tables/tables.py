"""The numbers behind a figure: the rows of its files, and a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.table import Table

from icl_eval._figures.curves import FigureSpec, curve
from icl_eval._figures.published import PUBLISHED_STEPS, published
from icl_eval._runs import RunGroup, run_names
from icl_eval._tables.evaluations import evaluation_row
from icl_eval._tables.files import Row

__all__ = ["figure_table", "final_rows", "timeseries_rows"]


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
                        for split in (spec.split, *spec.controls)
                        if split in evaluation.splits
                    }
                ),
            }
            for evaluation in series.evaluations
            if spec.split in evaluation.splits
        ]
        for name, (group, series) in zip(names, members, strict=True)
    ]
    return [of_run for of_run in rows if of_run]


def figure_table(spec: FigureSpec, group: RunGroup) -> Table:
    """Last value of each curve with its band and chance level, and the paper's value where there is one.

    ``n`` is the number of sequences measured, over all seeds.

    Args:
        spec: the figure.
        group: runs of one panel.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    sizes = {len(group.with_count(count)) for count in group.class_counts()}
    band = "95% interval" if sizes == {1} else "least-greatest"
    for column in ("classes", "seeds", "step", "accuracy", band, "chance", "n"):
        table.add_column(column, justify="right", no_wrap=True)
    points = {count: published(spec.name, group.with_count(count)[0].run.config) for count in group.class_counts()}
    if any(points.values()):
        table.add_column(f"paper ({PUBLISHED_STEPS // 1000}k)", justify="right")  # wraps where room is short
    for count, known in points.items():
        one = curve(spec, group, count)
        cells = [
            f"{count:,}",
            f"{one.n_seeds}",
            f"{one.steps[-1]:,.0f}",
            f"{one.mean[-1]:.3f}",
            f"{one.low[-1]:.3f}-{one.high[-1]:.3f}" + (" (95%)" if one.n_seeds == 1 and len(sizes) > 1 else ""),
            f"{one.chance:.3g}",
            f"{one.n_sequences[-1]:,}",
        ]
        if any(points.values()):
            cells.append(f"{known[-1][1]:.2f}" if known else "")
        table.add_row(*cells)
    return table
