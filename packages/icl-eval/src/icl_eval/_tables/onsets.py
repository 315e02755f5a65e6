"""Onsets of the curves of runs, as a table: a row for each run and curve, or columns beside what runs reached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from icl_eval._loading.assembled import Loaded, Names, Paths, load
from icl_eval._loading.tidy import tidy, warn_of
from icl_eval._onsets.fitting import Onset, fit_onset
from icl_eval._picture.measures import find_measure

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DEFAULT_MEASURES", "beside", "load_onsets", "metrics_for", "onsets_in"]

DEFAULT_MEASURES = ("icl", "loss")
"""In-context learning, and the loss of training."""

_NUMBERS = (*(field.name for field in fields(Onset)), "slope")
_BESIDE = {"time": "onset", "low": "onset_low", "high": "onset_high", "plateau": "plateau", "width": "onset_width"}


def load_onsets(
    *paths: Paths, measures: Names = DEFAULT_MEASURES, settings: Names = "varying", unfinished: bool = False
) -> pd.DataFrame:
    """When the curves of the runs below ``paths`` left their plateaus: a row for each run and measure.

    Columns: ``run``, ``status``, settings, ``measure``, and what `fit_onset` finds: ``time`` (updates) with ``low`` and
    ``high``, ``width`` with ``width_low`` and ``width_high``, ``before``, ``after``, ``plateau``, ``left``, ``n``, and
    ``slope``; NaN where a curve has no onset.

    Args:
        paths: run folders, or any folders above some; one or several, or lists.
        measures: what is fitted, as for ``icl-eval plot``: ``icl``, ``iwl``, a split, ``split/metric`` or a metric of
            training.
        settings: which settings have columns; "varying" for those in which the runs differ, "all", or names.
        unfinished: take runs that have not reached their last step as well.

    Returns:
        The table; ``attrs["skipped"]`` has a line for each folder that was passed over, and a warning says so;
        ``attrs["short_names"]`` has what each measure is called in titles.

    Raises:
        RunError: if one of ``paths`` is not there.
        ValueError: if no run has such a measure or setting.
    """
    names = (measures,) if isinstance(measures, str) else tuple(measures or DEFAULT_MEASURES)
    loaded = load(paths, splits=None, metrics=metrics_for(names), settings=settings, unfinished=unfinished)
    warn_of(loaded.skipped)
    return onsets_in(loaded, names)


def metrics_for(measures: Iterable[str]) -> str | None:
    """What `load` has to read so that these measures are there: headlines and losses, or everything.

    Args:
        measures: their names.
    """
    at_hand = {"icl", "iwl", "loss"}
    return None if all(name in at_hand for name in measures) else "all"


def onsets_in(loaded: Loaded, measures: Sequence[str]) -> pd.DataFrame:
    """The table of :func:`load_onsets`; empties ``loaded.columns``.

    Args:
        loaded: runs and their values.
        measures: names.

    Raises:
        ValueError: if no run has such a measure.
    """
    import pandas as pd

    of_runs, skipped = loaded.runs, loaded.skipped
    table = tidy(loaded)
    found: list[dict[str, object]] = []
    wanted = list(dict.fromkeys(find_measure("--onsets", name, table) for name in measures))
    for measure in wanted:
        chosen = table["split"] == measure.split
        chosen &= table["metric"] == measure.metric if measure.metric else table["headline"].astype(bool)
        curves = dict(list(table.loc[chosen, ["run", "step", "value"]].groupby("run", observed=True)))
        for place, run in enumerate(of_runs["run"]):
            curve = curves.get(run)
            onset = None if curve is None else fit_onset(curve["step"], curve["value"])
            numbers = {name: np.nan if onset is None else getattr(onset, name) for name in _NUMBERS}
            found.append({"place": place, "measure": measure.name, **numbers})
    columns = ["place", "measure", *_NUMBERS]
    rows = pd.DataFrame(found, columns=columns).sort_values("place", kind="stable", ignore_index=True)
    places = rows.pop("place").to_numpy(dtype=np.int64)
    frame = pd.concat([of_runs.iloc[places].reset_index(drop=True), rows], axis=1)
    frame.attrs["skipped"] = skipped
    frame.attrs["short_names"] = {measure.name: measure.short for measure in wanted}
    return frame


def beside(wide: pd.DataFrame, onsets: pd.DataFrame) -> pd.DataFrame:
    """A wide table of runs, and for each measure (``fewshot_holdout``, ``train_loss``) ``MEASURE_onset`` with ``_low``
    and ``_high``, ``MEASURE_plateau`` and ``MEASURE_onset_width``.

    Args:
        wide: of `summarize_runs`, a row for each run.
        onsets: of the same runs in the same order.
    """
    import pandas as pd

    columns = {
        f"{str(measure).replace('/', '_')}_{name}": of_measure[number].to_numpy()
        for measure, of_measure in onsets.groupby("measure", sort=False)
        for number, name in _BESIDE.items()
    }
    frame = pd.concat([wide, pd.DataFrame(columns, index=wide.index)], axis=1)
    frame.attrs.update(wide.attrs)
    return frame
