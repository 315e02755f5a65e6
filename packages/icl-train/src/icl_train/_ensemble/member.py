"""A member of an ensemble, as the training of its run sees it: an engine whose updates others make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from icl_train._engines.eager import Eager
from icl_train._life.divergence import RecentLosses

__all__ = ["Member", "Whole"]

if TYPE_CHECKING:
    from icl_train._task import Task


class Whole(Protocol):
    """What a member asks of its ensemble."""

    losses: RecentLosses

    def sums_of(self, member: int) -> Tensor:
        """Its sums of metrics, which share the ensemble's memory."""
        ...

    def norms_of(self, member: int) -> dict[str, float]:
        """As `Eager.norms`."""
        ...

    def bring(self, member: int, engine: Eager, *, optimizer: bool) -> None:
        """Copy its weights, and its optimiser's state if asked for, into a solo engine."""
        ...


class Member(Eager):
    """A run's model, optimiser and sums: its own while it is alone, copies of its part while it is in an ensemble.

    Args:
        task: the run's data on its device.
    """

    name = "ensemble"

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self._place: tuple[Whole, int] | None = None

    def join(self, whole: Whole, member: int) -> None:
        """Become a part of an ensemble, which has taken over what this engine holds.

        Args:
            whole: the ensemble.
            member: which of it.
        """
        self._place = whole, member
        sums = whole.sums_of(member)
        sums.copy_(self.sums.tensor)
        self.sums.tensor = sums
        self.losses = _OwnLosses(whole.losses, member)
        self.optimizer.state.clear()

    def leave(self) -> None:
        """Take along what the ensemble has made of this run."""
        self.settle(optimizer=True)
        self.sums.tensor = self.sums.tensor.clone()
        self._place = None

    def norms(self) -> dict[str, float]:
        if self._place is None:
            return super().norms()
        whole, member = self._place
        return whole.norms_of(member)

    def settle(self, *, optimizer: bool = False) -> None:
        if self._place is not None:
            whole, member = self._place
            whole.bring(member, self, optimizer=optimizer)


class _OwnLosses(RecentLosses):
    """One member's among those of all."""

    def __init__(self, losses: RecentLosses, member: int) -> None:
        super().__init__()
        self._all, self._member = losses, member

    def newest(self) -> list[tuple[int, Tensor]]:
        return [(step, losses[self._member]) for step, losses in self._all.newest()]
