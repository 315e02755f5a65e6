"""Members that one CUDA device updates one after the other, each as a graph of its own."""

from __future__ import annotations

from collections.abc import Sequence

from icl_train._engines.graph import Graph

__all__ = ["InTurn"]


class InTurn:
    """For models of images, which fill a device alone: as one batched model, five took 1.5 times as long as in turn.

    A member computes, bit for bit, what it computes alone.

    Args:
        members: at one step.
    """

    def __init__(self, members: Sequence[Graph]) -> None:
        self.members = tuple(members)

    def update(self, step: int) -> None:
        """One step of each member's optimiser.

        Args:
            step: number of the update; the first is 1.
        """
        for member in self.members:
            member.update(step)

    def leave(self) -> None:
        """Members have been their own all along."""

    def close(self) -> None:
        """What they hold goes with their trainings."""
