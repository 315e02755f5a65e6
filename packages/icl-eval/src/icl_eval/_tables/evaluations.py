"""Evaluations as rows of a file and as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from icl_data.foundation.printable import printable
from icl_eval._tables.files import Row
from icl_eval._tables.terminal import plain_table
from icl_train import Headline, headline_of

__all__ = ["Measured", "evaluation_row", "evaluation_rows", "evaluation_table", "short_names"]

_COLUMNS = {
    "fewshot_holdout": "icl_two_way",
    "flipped": "icl_flipped",
    "novel_label": "icl_novel_label",
    "no_support_zipfian": "iwl",
}


# Columns of other things: an evaluation of one of these names keeps the whole name of its records.
_TAKEN = {"run", "group", "classes", "seed", "step", "sequences", "interventions", "icl_both_ways", *_COLUMNS.values()}


@dataclass(frozen=True)
class Measured:
    """What was measured of one run.

    Attributes:
        name: what the run is called.
        records: lines as in metrics.jsonl, step by step.
        bare: whether its model was measured without the interventions that it is trained under.
    """

    name: str
    records: Sequence[dict[str, Any]]
    bare: bool = False

    @property
    def title(self) -> str:
        """Its name, and what is not said by the records."""
        return f"{self.name} without interventions" if self.bare else self.name

    def evaluations(self) -> list[dict[str, dict[str, Any]]]:
        """For each step and protocol, split → record."""
        found: dict[tuple[int, str], dict[str, dict[str, Any]]] = {}
        for record in self.records:
            of_step = found.setdefault((record["step"], record["protocol"]), {})
            of_step[record["split"].removeprefix("eval_")] = record
        return list(found.values())


def evaluation_row(splits: Mapping[str, dict[str, Any]]) -> Row:
    """Headline accuracies of one evaluation: value, 95% bounds, chance and number of sequences of each split."""
    row: Row = {}
    for split, record in splits.items():
        column, metric = _COLUMNS.get(split, f"eval_{split}" if split in _TAKEN else split), record["headline"]
        row |= {
            column: record[metric],
            f"{column}_low": record[f"{metric}_low"],
            f"{column}_high": record[f"{metric}_high"],
            f"{column}_chance": record["chance"],
            f"{column}_n_sequences": record["n_sequences"],
            f"{column}_protocol": record["protocol"],
        }
        if "accuracy_both" in record:
            row["icl_both_ways" if split == "flipped" else f"{column}_both_ways"] = record["accuracy_both"]
    return row


def evaluation_rows(measured: Iterable[Measured]) -> list[Row]:
    """One row per run, checkpoint and protocol."""
    return [
        {
            "run": one.name,
            "step": next(iter(splits.values()))["step"],
            "sequences": next(iter(splits.values()))["sequences"],
            **({"interventions": "without"} if one.bare else {}),
            **evaluation_row(splits),
        }
        for one in measured
        for splits in one.evaluations()
    ]


def evaluation_table(measured: Sequence[Measured], *, short: bool = False) -> Table:
    """One row per run, checkpoint, protocol and evaluation; a single run's name is the title.

    Args:
        measured: runs.
        short: name what was measured by its short name, for a narrow terminal.
    """
    several = len(measured) > 1
    title = None if several else printable(measured[0].title)
    table = plain_table(title)
    if several:
        table.add_column("run", overflow="fold")
    table.add_column("step", justify="right", no_wrap=True)
    protocols = len({record["protocol"] for one in measured for record in one.records}) > 1
    if protocols:
        table.add_column("protocol", no_wrap=True)
    table.add_column("measured")
    for column in ("accuracy", "95% interval", "chance", "sequences"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in measured:
        for splits in one.evaluations():
            for record in splits.values():
                metric, headline = record["headline"], _headline(record)
                table.add_row(
                    *([printable(one.title)] if several else []),
                    f"{record['step']}",
                    *([record["protocol"]] if protocols else []),
                    headline.short if short else headline.label,
                    f"{record[metric]:.3f}",
                    f"{record[f'{metric}_low']:.3f}-{record[f'{metric}_high']:.3f}",
                    f"{record['chance']:.3g}",
                    f"{record['n_sequences']}",
                )
    return table


def short_names(measured: Iterable[Measured]) -> str:
    """What the short names of :func:`evaluation_table` stand for, a line each."""
    headlines = [_headline(record) for one in measured for record in one.records]
    return "\n".join(dict.fromkeys(f"{headline.short}: {headline.label}" for headline in headlines))


def _headline(record: dict[str, Any]) -> Headline:
    return headline_of(record["split"].removeprefix("eval_"), metric=record["headline"])
