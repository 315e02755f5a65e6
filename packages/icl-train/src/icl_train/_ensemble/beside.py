"""Members whose updates go on beside each other on one CUDA device, each captured by itself."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from icl_train._engines.graph import Graph
from icl_train.config import RunConfig

__all__ = ["Beside"]


class Beside:
    """Each member's own graph on a stream of its own, so that the device has work where one of them would wait.

    For models of images: their kernels are too large to cost nothing when they are batched, and too many for one model
    to fill a device. A member computes, bit for bit, what it computes alone.

    Args:
        members: at one step.
    """

    def __init__(self, members: Sequence[Graph]) -> None:
        self.members = tuple(members)
        device = members[0].device
        # All graphs read dropout's seed from one place, where the next update's must not come too early.
        count = 1 if any(_drops(member.config) for member in members) else len(members)
        streams = [torch.cuda.Stream(device) for _ in range(count)]  # type: ignore[no-untyped-call]
        self._streams = streams * (len(members) // count)

    def update(self, step: int) -> None:
        """One step of each member's optimiser.

        Args:
            step: number of the update; the first is 1.
        """
        here = torch.cuda.current_stream(self.members[0].device)
        for member, stream in zip(self.members, self._streams, strict=True):
            stream.wait_stream(here)
            with torch.cuda.stream(stream):
                member.update(step)
        for stream in self._streams:
            here.wait_stream(stream)

    def leave(self) -> None:
        """Members have been their own all along."""

    def close(self) -> None:
        """What they hold goes with their trainings."""


def _drops(config: RunConfig) -> bool:
    model = config.model
    return bool(model.dropout_prob or model.example_dropout_prob or model.positional_dropout_prob)
