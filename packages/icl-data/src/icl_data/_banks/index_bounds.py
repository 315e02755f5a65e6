"""Positions of classes and exemplars that exist."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def check_bounds(name: str, index: npt.NDArray[Any], n: int) -> None:
    """Refuse positions outside 0..n-1, which would otherwise show another class or count from the end.

    Raises:
        IndexError: there is one; the message gives the first.
    """
    # As unsigned numbers negative ones are the largest, so that one pass finds both kinds.
    if index.size and index.astype(np.int64, copy=False).view(np.uint64).max() >= n:
        outside = index[(index < 0) | (index >= n)].flat[0]
        raise IndexError(f"{name} must be in 0..{n - 1}, got {outside}")


def holds_new_classes(class_index: npt.NDArray[Any], n_classes: int) -> bool:
    """Whether a batch shows classes that are its own and none of the source's `n_classes`."""
    return class_index.size > 0 and int(class_index.max()) >= n_classes
