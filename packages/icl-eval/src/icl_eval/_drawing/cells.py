"""Panels whose lines are seen from above, as heat maps."""

from __future__ import annotations

import numpy as np

from icl_eval._heads.maps import HeatMap
from icl_eval._picture.picture import Panel

__all__ = ["map_of"]


def map_of(panel: Panel, *, rows_named: bool) -> HeatMap:
    """A panel as a heat map from 0 to 1.

    Args:
        panel: what; its x has names.
        rows_named: whether it is said what the rows are.
    """
    values = np.full((len(panel.lines), len(panel.x.values)), np.nan)
    for row, line in enumerate(reversed(panel.lines)):
        values[row, line.x.astype(int)] = line.y
    return HeatMap(
        row=panel.row,
        column=panel.column,
        title=panel.title,
        values=values,
        row_names=tuple(line.label for line in reversed(panel.lines)),
        column_names=tuple(map(str, panel.x.values)),
        row_label=panel.hue_name if rows_named else "",
        column_label=panel.x.label,
        low=0.0,
        high=1.0,
        written=True,
    )
