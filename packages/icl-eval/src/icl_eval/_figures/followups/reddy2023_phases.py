"""Phases of learning (Reddy 2023, arXiv 2312.03002): accuracies as maps over classes and skew of their frequencies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from icl_eval._figures.followups.reddy2023 import EXPONENT, EXPONENT_LABEL, LABELS, PAPER, reddy_settings
from icl_eval._picture.bands import Band
from icl_eval._picture.build import Layout, close_up, panels_of
from icl_eval._picture.compose import seen_from_above
from icl_eval._picture.groups import Group, groups_of, shared_by
from icl_eval._picture.measures import measure_of
from icl_eval._picture.picture import Panel, Picture
from icl_eval._picture.runs import RunSettings, values_of
from icl_eval._picture.values import shown
from icl_models import FigureSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PHASES"]

_CLASSES = "classes"


def picture(table: pd.DataFrame, *, band: Band = "range") -> Picture:
    """The picture: a map for each kind of learning, of runs that differ in classes and exponent and in nothing else."""
    runs = reddy_settings(table)
    groups = groups_of(runs, (_CLASSES, EXPONENT))
    grids = [
        group for group in groups if all(len(values_of(runs, name, group.runs)) > 1 for name in (_CLASSES, EXPONENT))
    ]
    panels = close_up(
        [
            replace(panel, row=row, column=column)
            for row, group in enumerate(grids or groups)
            for column, (name, label) in enumerate(LABELS.items())
            for panel in _maps(table, runs, group, name, label, band)
        ],
        reflow=False,
    )
    return Picture(
        name=PHASES.name,
        title=PHASES.title,
        shared=shared_by(runs, besides=(_CLASSES, EXPONENT)),
        panels=panels,
        notes=_notes(panels),
        table=_rows(panels),
    )


def _maps(table: pd.DataFrame, runs: RunSettings, group: Group, name: str, label: str, band: Band) -> list[Panel]:
    layout = Layout(measures=(measure_of(name),), x=_CLASSES, hue=EXPONENT, band=band)
    title = "\n".join(filter(None, (label, group.title)))
    found = []
    for panel in panels_of(table, {run: runs[run] for run in group.runs}, [group], layout):
        above = seen_from_above(panel)
        lines = tuple(replace(line, label=shown(line.settings[EXPONENT])) for line in above.lines)
        found.append(
            replace(above, title=title, hue_name=EXPONENT_LABEL, x=replace(above.x, label="classes K"), lines=lines)
        )
    return found


def _notes(panels: Sequence[Panel]) -> tuple[str, ...]:
    numbers = sorted({int(n) for panel in panels for line in panel.lines for n in line.n_runs})
    if not numbers:
        return ()
    seeds = " to ".join(str(n) for n in dict.fromkeys((numbers[0], numbers[-1])))
    guesses = {panel.title.partition("\n")[0]: panel.chances for panel in panels if panel.chances}
    told = ", ".join(
        f"{label} {' to '.join(f'{level:.2g}' for level in (c[0], c[-1])[: len(c)])}" for label, c in guesses.items()
    )
    mean = "of a run" if numbers[-1] == 1 else f"of each run, mean of n = {seeds} seeds"
    return (
        f"Cells: the last evaluation {mean}; grey: no run.",
        *([f"Guessing gives: {told}."] if told else []),
    )


def _rows(panels: Sequence[Panel]) -> tuple[dict[str, str], ...]:
    """A row for each cell: its place, seeds, and the accuracies of all maps of that row of maps."""
    rows: dict[tuple[int, str, str], dict[str, str]] = {}
    for panel in panels:
        label, _, title = panel.title.partition("\n")
        for line in panel.lines:
            for i, x in enumerate(line.x.astype(int)):
                place = (panel.row, str(panel.x.values[x]), line.label)
                row = rows.setdefault(
                    place,
                    {
                        **({"panel": title} if title else {}),
                        "K": place[1],
                        "alpha": place[2],
                        "seeds": f"{line.n_runs[i]}",
                        **dict.fromkeys(LABELS.values(), ""),
                    },
                )
                row[label] = f"{line.y[i]:.3f}"
    return tuple(rows.values())


PHASES = FigureSpec(
    name="reddy2023-phases",
    title="In-context and in-weights learning over classes and skew of their frequencies",
    picture=picture,
    measures=tuple(LABELS),
    varies=("data.n_rare_classes", EXPONENT),
    paper=PAPER,
    experiment="reddy2023-phases",
)
