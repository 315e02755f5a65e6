"""Many orders at once: where each of a few keys belongs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

# Up to here comparing all pairs of keys is faster than sorting.
_FEW = 32


def ranks(keys: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """(n, m) places of the keys (n, m) in the ascending order of their column; of equal keys the upper one is first."""
    n = len(keys)
    if n > _FEW:
        places = np.empty(keys.shape, dtype=np.int64)
        np.put_along_axis(places, keys.argsort(axis=0, kind="stable"), np.arange(n)[:, None], axis=0)
        return places
    count = np.zeros(keys.shape, dtype=np.int8)
    for distance in range(1, n):
        upper_first = keys[:-distance] <= keys[distance:]
        count[distance:] += upper_first
        count[:-distance] += ~upper_first
    return count.astype(np.int64)
