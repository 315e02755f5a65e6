"""The numbers behind a figure: CSV files, and a table for the terminal."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from icl_data.foundation.printable import csv_cell
from icl_data.foundation.whole_file import whole_file
from icl_eval._figures.figure3 import FigureSpec, curve
from icl_eval._figures.published import PUBLISHED_STEPS, published
from icl_eval._runs import Evaluation, RunGroup, RunSeries

__all__ = ["evaluation_row", "figure_table", "final_rows", "timeseries_rows", "write_csv"]

_COLUMNS = {
    "fewshot_holdout": "icl_two_way",
    "flipped": "icl_flipped",
    "novel_label": "icl_novel_label",
    "no_support_zipfian": "iwl",
}


def final_rows(groups: Iterable[RunGroup]) -> list[dict[str, Any]]:
    """One row per run: its last evaluation.

    Args:
        groups: runs, panel by panel.
    """
    return [_row(group, series, series.evaluations[-1]) for group in groups for series in group.series]


def timeseries_rows(groups: Iterable[RunGroup]) -> list[dict[str, Any]]:
    """One row per run and evaluation.

    Args:
        groups: runs, panel by panel.
    """
    return [_row(group, series, one) for group in groups for series in group.series for one in series.evaluations]


def _row(group: RunGroup, series: RunSeries, evaluation: Evaluation) -> dict[str, Any]:
    return {
        "run": series.run.name,
        "group": group.title.replace("\n", "; "),
        "classes": series.class_count,
        "seed": series.seed,
        "step": evaluation.step,
        "sequences": evaluation.sequences,
        **evaluation_row(evaluation.splits),
    }


def evaluation_row(splits: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Headline accuracies of one evaluation: value, 95% bounds, chance and number of sequences of each split."""
    row: dict[str, Any] = {}
    for split, record in splits.items():
        column, metric = _COLUMNS.get(split, split), record["headline"]
        row |= {
            column: record[metric],
            f"{column}_low": record[f"{metric}_low"],
            f"{column}_high": record[f"{metric}_high"],
            f"{column}_chance": record["chance"],
            f"{column}_n_sequences": record["n_sequences"],
            f"{column}_protocol": record["protocol"],
        }
        if "accuracy_both" in record:
            row["icl_both_ways"] = record["accuracy_both"]
    return row


def write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows under the union of their columns; the file appears whole.

    Args:
        path: the file.
        rows: cells by column.
    """
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with whole_file(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({column: csv_cell(value) for column, value in row.items()} for row in rows)


def figure_table(spec: FigureSpec, group: RunGroup) -> Table:
    """Last value of each curve with its band and chance level, and the paper's value where there is one.

    ``n`` is the number of sequences measured, over all seeds.

    Args:
        spec: the figure.
        group: runs of one panel.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    sizes = {len(group.with_count(count)) for count in group.class_counts()}
    band = "95% interval" if sizes == {1} else "least-greatest"
    for column in ("classes", "seeds", "step", "accuracy", band, "chance", "n"):
        table.add_column(column, justify="right", no_wrap=True)
    points = {count: published(spec.name, group.with_count(count)[0].run.config) for count in group.class_counts()}
    if any(points.values()):
        table.add_column(f"paper ({PUBLISHED_STEPS // 1000}k)", justify="right", no_wrap=True)
    for count, known in points.items():
        one = curve(spec, group, count)
        cells = [
            f"{count:,}",
            f"{one.n_seeds}",
            f"{one.steps[-1]:,.0f}",
            f"{one.mean[-1]:.3f}",
            f"{one.low[-1]:.3f}-{one.high[-1]:.3f}" + (" (95%)" if one.n_seeds == 1 and len(sizes) > 1 else ""),
            f"{one.chance:.3g}",
            f"{_sequences(spec, group, count):,}",
        ]
        if any(points.values()):
            cells.append(f"{known[-1][1]:.2f}" if known else "")
        table.add_row(*cells)
    return table


def _sequences(spec: FigureSpec, group: RunGroup, count: int) -> int:
    """Sequences behind each point of one curve, of all its seeds."""
    return sum(int(series.evaluations[-1].splits[spec.split]["n_sequences"]) for series in group.with_count(count))
