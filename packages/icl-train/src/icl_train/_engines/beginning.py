"""Where a run goes on, from one process to the others."""

from __future__ import annotations

import io
from dataclasses import dataclass

import torch

from icl_train._engines.eager import Eager

__all__ = ["Beginning"]


@dataclass(frozen=True)
class Beginning:
    """Where a run goes on, as its first process tells the others.

    Attributes:
        step: updates done.
        is_new: whether it was never trained.
        state: of model, optimiser and sums, as bytes.
    """

    step: int
    is_new: bool
    state: bytes

    @classmethod
    def of(cls, engine: Eager, *, step: int, is_new: bool) -> Beginning:
        """That of an engine which is there."""
        sums = (engine.sums.values(), engine.sums.count)
        content = io.BytesIO()
        torch.save((engine.model.state_dict(), engine.optimizer.state_dict(), *sums), content)
        return cls(step, is_new, content.getvalue())

    def put_into(self, engine: Eager) -> None:
        """Go to the same state."""
        model, optimizer, sums, count = torch.load(
            io.BytesIO(self.state), map_location=engine.device, weights_only=True
        )
        engine.model.load_state_dict(model)
        engine.optimizer.load_state_dict(optimizer)
        engine.sums.restart(sums, count)
