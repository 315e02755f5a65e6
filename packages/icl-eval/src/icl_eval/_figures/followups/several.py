"""Panels in which several measures are lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from icl_eval._picture.build import Layout, close_up, panels_of
from icl_eval._picture.compose import laid_over
from icl_eval._picture.groups import Group
from icl_eval._picture.measures import measure_of
from icl_eval._picture.picture import Axis, Panel
from icl_eval._picture.runs import RunSettings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["panels_of_several"]

_ACCURACY = Axis(name="accuracy", label="accuracy", kind="accuracy")


def panels_of_several(
    table: pd.DataFrame, runs: RunSettings, groups: Sequence[Group], labels: Mapping[str, str], layout: Layout
) -> tuple[Panel, ...]:
    """A panel for each group of runs with a line for each evaluation, of those that have any.

    Args:
        table: tidy table of runs.
        runs: settings by run.
        groups: runs that stand together, panel by panel.
        labels: evaluation → what its line is called.
        layout: what is shown where, without hue; its measures are those of ``labels``.
    """
    panels: list[Panel] = []
    for place, group in enumerate(groups):
        of_group = {run: runs[run] for run in group.runs}
        lots = {
            label: panels_of(table, of_group, [group], replace(layout, measures=(measure_of(name),)))
            for name, label in labels.items()
        }
        panels += [replace(panel, row=place) for panel in laid_over(lots, _ACCURACY)]
    return close_up(panels, reflow=True)
