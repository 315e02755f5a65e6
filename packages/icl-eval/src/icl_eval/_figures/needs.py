"""What a figure needs of runs, and what some runs have of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from icl_eval._picture.measures import measure_of
from icl_eval._picture.runs import run_settings, values_of
from icl_eval._picture.series import series_of
from icl_eval._picture.values import few
from icl_models import FigureSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Needs", "needs_of"]

_WITH = {  # settings that do the same: one of them varying is enough
    "data.n_rare_classes": ("data.n_common_classes",),
    "data.noise_scale": ("data.exemplars",),
}


@dataclass(frozen=True)
class Needs:
    """What runs have of what a figure needs.

    Attributes:
        recorded: measures → number of runs that have it; measures that no run has are left out.
        missing_measures: those.
        varied: settings that vary → their values, in words.
        constant: settings that should vary and do not.
    """

    recorded: dict[str, int]
    missing_measures: tuple[str, ...]
    varied: dict[str, str]
    constant: tuple[str, ...]


def needs_of(spec: FigureSpec, table: pd.DataFrame) -> Needs:
    """What the runs of a table have of what a figure needs.

    Args:
        spec: the figure.
        table: tidy table of runs.
    """
    series = {name: series_of(table, measure_of(name)) for name in spec.measures}
    runs = {
        run: settings for run, settings in run_settings(table).items() if any(run in one for one in series.values())
    }
    varied, constant = {}, []
    for name in spec.varies:
        found = next((one for one in (name, *_WITH.get(name, ())) if len(values_of(runs, one)) > 1), None)
        if found is None:
            constant.append(name)
        else:
            varied[found] = few(values_of(runs, found))
    return Needs(
        recorded={name: len(one) for name, one in series.items() if one},
        missing_measures=tuple(name for name, one in series.items() if not one),
        varied=varied,
        constant=tuple(constant),
    )
