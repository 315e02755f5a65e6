"""Where a curve passes a threshold: the first step seen beyond it, and what is done with runs that never get there."""

from __future__ import annotations

import numpy as np

from icl_data.foundation.printable import one_line
from icl_eval._comparison.sides import Floats

__all__ = ["DEFAULT_THRESHOLD", "crossings", "falls", "in_words", "threshold_for"]

DEFAULT_THRESHOLD = 0.75
"""Of accuracies: half way from guessing to certainty, between two labels."""


def falls(metric: str) -> bool:
    """Whether a metric gets better as it falls."""
    return metric.rpartition("/")[2].startswith("loss")


def threshold_for(metric: str, given: float | None) -> float | None:
    """The threshold of a metric: the one that is given, for accuracies .75 else, for others none.

    Args:
        metric: its name.
        given: by the user.

    Raises:
        ValueError: an accuracy can never pass it.
    """
    is_accuracy = metric.rpartition("/")[2].startswith("accuracy")
    if given is None:
        return DEFAULT_THRESHOLD if is_accuracy else None
    if is_accuracy and not 0 <= given < 1:
        raise ValueError(f"--threshold must be in [0, 1) for accuracies ({one_line(metric)}), got {given:g}")
    return given


def crossings(steps: Floats, values: Floats, threshold: float, *, falling: bool = False) -> Floats:
    """The first step at which each run is above the threshold; infinite for a run that never is.

    Args:
        steps: (T,) updates.
        values: (runs, T).
        threshold: a value.
        falling: below it, in the place of above.

    Returns:
        (runs,) updates.
    """
    beyond = values < threshold if falling else values > threshold
    return np.where(beyond.any(1), steps[beyond.argmax(1)], np.inf)


def in_words(times: Floats, last: float) -> str:
    """``4,000 4,250 4,250 and 1 not by 5,000``.

    Args:
        times: (runs,) crossings.
        last: the last step that was looked at.
    """
    never = int(np.isinf(times).sum())
    seen = " ".join(f"{time:,.0f}" for time in sorted(times[np.isfinite(times)]))
    if not never:
        return seen
    return f"{seen} and {never} not by {last:,.0f}" if seen else f"none of {never} by {last:,.0f}"
