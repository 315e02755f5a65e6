"""When a loss that is no number any more was one last."""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor

__all__ = ["RecentLosses"]

_KEPT = 1000


class RecentLosses:
    """The losses of the newest updates, left on their device until somebody asks: an update waits for none of them."""

    def __init__(self) -> None:
        self._losses: deque[tuple[int, Tensor]] = deque(maxlen=_KEPT)

    def add(self, step: int, loss: Tensor) -> None:
        """That of an update, with no gradient."""
        self._losses.append((step, loss))

    def newest(self) -> list[tuple[int, Tensor]]:
        """The updates and their losses, oldest first."""
        return list(self._losses)

    def last_finite(self) -> int | None:
        """The last step before the first whose loss was not finite; None if that is longer ago than is known."""
        losses = self.newest()
        if not losses:
            return None
        bad = (~torch.isfinite(torch.stack([loss for _, loss in losses]))).nonzero()
        if not len(bad):
            return losses[-1][0]
        first = int(bad[0])
        return losses[first - 1][0] if first else None
