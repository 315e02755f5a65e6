"""What an update needs from the host, in one copy that nothing waits for."""

from __future__ import annotations

import numpy as np
import torch

from icl_data import SequenceBatch

__all__ = ["Inputs"]

_SLOTS = 8  # host memory that copies may still be read from: how many updates the host may be ahead of the device


class _Slot:
    """Host memory, and when the last copy from it is over."""

    def __init__(self, size: int, device: torch.device) -> None:
        self.memory = torch.zeros(size, dtype=torch.int64)
        self.copied: torch.cuda.Event | None = None
        if device.type == "cuda":
            self.memory = self.memory.pin_memory()
            self.copied = torch.cuda.Event()  # type: ignore[no-untyped-call]


class Inputs:
    """Tensors on a device that keep their address, filled anew for each update.

    Args:
        shape: of a batch's indices, (B, S).
        device: where they are.

    Attributes:
        classes, exemplars, labels: (B, S) int64.
        rate: () float32, the learning rate.
    """

    def __init__(self, shape: tuple[int, int], device: torch.device) -> None:
        size = 3 * shape[0] * shape[1]
        self._packed = torch.zeros(size + 1, dtype=torch.int64, device=device)
        self.classes, self.exemplars, self.labels = self._packed[:-1].view(3, *shape)
        self._rate = self._packed[-1:].view(torch.float64)[0]
        self.rate = torch.zeros((), device=device)
        self._slots = [_Slot(size + 1, device) for _ in range(_SLOTS)]
        self._next = 0

    def fill(self, batch: SequenceBatch, rate: float) -> None:
        """Begin to copy an update's indices and rate."""
        slot = self._slots[self._next]
        self._next = (self._next + 1) % _SLOTS
        if slot.copied is not None:
            slot.copied.synchronize()
        host = slot.memory.numpy()
        np.stack(
            (batch.class_index, batch.exemplar_index, batch.label),
            out=host[:-1].reshape(3, *batch.label.shape),
            casting="safe",
        )
        host[-1:].view(np.float64)[0] = rate
        self._packed.copy_(slot.memory, non_blocking=True)
        if slot.copied is not None:
            slot.copied.record()

    def unpack(self) -> None:
        """Bring the rate into the form that optimisers take; a part of the captured update."""
        self.rate.copy_(self._rate)
