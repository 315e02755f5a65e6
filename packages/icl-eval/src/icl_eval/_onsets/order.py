"""Which of several curves changed first: of heads and losses, of in-context and in-weights learning."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from icl_eval._onsets.fitting import Onset

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["order_of_onsets"]


def order_of_onsets(onsets: Mapping[str, Onset | None]) -> pd.DataFrame:
    """Curves in the order in which they changed.

    Args:
        onsets: what each curve is called → its onset, of `fit_onset`, all in one unit; None for a curve without one.

    Returns:
        A row for each curve, by time, those without an onset last: ``curve``, ``time``, ``low``, ``high``, ``plateau``,
        ``width``, ``before``, ``after``; ``later_by``, how long after the row above, with ``later_low`` and
        ``later_high``, its 95% interval as of independent fits; and ``told_apart``, whether that excludes 0.
    """
    import pandas as pd

    found = sorted(((onset.time, name, onset) for name, onset in onsets.items() if onset is not None))
    rows: list[dict[str, object]] = []
    earlier: Onset | None = None
    for _, name, onset in found:
        names = ("time", "low", "high", "plateau", "width", "before", "after")
        row: dict[str, object] = {"curve": name, **{each: getattr(onset, each) for each in names}}
        if earlier is None:
            row |= {"later_by": math.nan, "later_low": math.nan, "later_high": math.nan, "told_apart": None}
        else:
            by = onset.time - earlier.time
            down = math.hypot(onset.time - onset.low, earlier.high - earlier.time)
            up = math.hypot(onset.high - onset.time, earlier.time - earlier.low)
            row |= {"later_by": by, "later_low": by - down, "later_high": by + up, "told_apart": by - down > 0}
        rows.append(row)
        earlier = onset
    rows += [{"curve": name} for name, onset in onsets.items() if onset is None]
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    frame["told_apart"] = frame["told_apart"].astype("boolean")
    return frame


_COLUMNS = [
    "curve",
    "time",
    "low",
    "high",
    "plateau",
    "width",
    "before",
    "after",
    "later_by",
    "later_low",
    "later_high",
    "told_apart",
]
