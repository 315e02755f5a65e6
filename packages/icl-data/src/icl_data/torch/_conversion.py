"""Index batches as tensors."""

from __future__ import annotations

import torch

from icl_data._sequences.batch import SequenceBatch


def to_torch(batch: SequenceBatch, device: str | torch.device = "cpu") -> dict[str, torch.Tensor]:
    """A batch's fields as int32 tensors by name, which share its memory on the CPU and are copied to other devices.

    Args:
        batch: B sequences of length L.
        device: where the tensors are needed.

    Returns:
        `class_index`, `exemplar_index`, `label` and `is_rare`, each (B, L).
    """
    return batch.to_torch(device)
