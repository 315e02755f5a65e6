"""The means of a line of training metrics, summed where they are computed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from icl_train._intact.records import RUNNING_MEANS

__all__ = ["RunningSums"]


class RunningSums:
    """Sums of `RUNNING_MEANS` over updates, on the device: nothing waits for them until a line is due.

    Args:
        device: where the values are.

    Attributes:
        tensor: the sums, float64.
        count: of how many updates.
    """

    def __init__(self, device: torch.device) -> None:
        self.tensor = torch.zeros(len(RUNNING_MEANS), dtype=torch.float64, device=device)
        self.count = 0

    def add(self, values: Sequence[Tensor]) -> None:
        """Those of an update; the caller counts it."""
        self.tensor += torch.stack([value.detach().double() for value in values])

    def values(self) -> list[float]:
        """The sums themselves."""
        found: list[float] = self.tensor.tolist()
        return found

    def means(self) -> dict[str, float]:
        """By name."""
        return dict(zip(RUNNING_MEANS, (self.tensor / self.count).tolist(), strict=True))

    def restart(self, sums: Sequence[float] | None = None, count: int = 0) -> None:
        """Go on from sums that were kept, or from nothing."""
        zeros = [0.0] * len(RUNNING_MEANS)
        self.tensor.copy_(torch.tensor(zeros if sums is None else sums, dtype=torch.float64))
        self.count = count
