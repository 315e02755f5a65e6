"""The losses of an ensemble's batch: of each member what `icl_train.metrics.sequence_loss` gives."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["ensemble_losses"]


def ensemble_losses(logits: Tensor, labels: Tensor, *, w_interim: float = 0.0) -> Tensor:
    """Loss, its part at the query, that of the context, and the query's accuracy.

    Args:
        logits: (M, B, S, C) at the example positions, the query last; of the query alone if ``w_interim`` is 0.
        labels: (M, B, S).
        w_interim: weight of the context examples together, as in ``sequence_loss``.

    Returns:
        (4, M); the first row takes gradients.
    """
    members, size = labels.shape[:2]
    if not w_interim:
        logits = logits[:, :, -1:]
    asked = labels if w_interim else labels[..., -1:]
    losses = F.cross_entropy(logits.flatten(0, -2), asked.flatten(), reduction="none").view_as(asked)
    correct = logits[:, :, -1].detach().argmax(-1) == labels[..., -1]
    accuracy = correct.to(losses.dtype).mean(1)
    if not w_interim:
        query = losses.view(members, size).mean(1)
        return torch.stack((query, query, torch.zeros_like(query), accuracy))
    context = labels.shape[2] - 1
    interim = losses[..., :-1].sum((1, 2)) * (w_interim / context / size)
    query = losses[..., -1].sum(1) * ((1.0 - w_interim) / size)
    return torch.stack((interim + query, query, interim / context, accuracy))
