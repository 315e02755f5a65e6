"""Where the positions of many contexts go."""

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


def order_keys(
    rng: np.random.Generator, order: str, *, n_beside: int, shots: int, ways: int, query: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Keys whose ascending order puts a context into one of `CONTEXT_ORDERS`.

    Args:
        rng: source of randomness.
        order: name of the order.
        n_beside: positions beside the bursts, which come first here.
        shots, ways: appearances per burst class, and burst classes, in turn.
        query: (m,) which burst class is the query's.

    Returns:
        (n_beside + shots * ways, m) keys.
    """
    keys = rng.random((n_beside + shots * ways, len(query)))
    beside, bursts = keys[:n_beside], keys[n_beside:].reshape(shots, ways, -1)
    if order == "grouped":
        bursts += np.arange(shots)[:, None, None]
        beside *= shots  # anywhere among the rounds
    elif order == "blocked":
        bursts[1:] = bursts[0]  # within a block all positions are alike, so that ties may stay as they are
    elif order == "query_first":
        bursts += np.arange(ways)[:, None] != query
        beside += 1
    elif order == "query_last":
        bursts += np.arange(ways)[:, None] == query
    return keys
