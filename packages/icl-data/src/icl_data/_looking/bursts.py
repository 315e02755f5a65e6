"""Which positions of a sequence belong together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

ALONE = -1


def burst_numbers(classes: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """(L,) number from 0 of each class that appears more than once among (L,), by first appearance; else ALONE."""
    values, first, inverse, times = np.unique(classes, return_index=True, return_inverse=True, return_counts=True)
    numbers = np.full(len(values), ALONE)
    repeated = np.flatnonzero(times > 1)
    numbers[repeated[np.argsort(first[repeated])]] = np.arange(len(repeated))
    return numbers[inverse.reshape(-1)]


def sequence_title(number: int, classes: npt.NDArray[np.int32]) -> str:
    """What is to be seen in the classes (L,) of a sequence."""
    context = classes[:-1]
    times = int(np.count_nonzero(context == classes[-1]))
    often = {0: "does not appear", 1: "appears once", 2: "appears twice"}.get(times, f"appears {times} times")
    return f"sequence {number}: the query's class {often} in the context"


def check_shown(batch_shape: tuple[int, ...], examples: npt.NDArray[np.generic]) -> None:
    """Raise ValueError unless there is an id, vector or image for each position of (n, L)."""
    if examples.shape[:2] != batch_shape or examples.ndim not in (2, 3, 5):
        raise ValueError(
            "examples must have shape (n, L), (n, L, D) or (n, L, H, W, C) with (n, L) = "
            f"{batch_shape}, got {examples.shape}"
        )
