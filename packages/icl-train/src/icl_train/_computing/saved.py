"""What a forward pass keeps for its backward pass."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

__all__ = ["saved_bytes"]


def saved_bytes(model: nn.Module, forward: Callable[[], object]) -> int:
    """Bytes that a forward pass keeps for its backward pass, without the weights.

    Args:
        model: whose weights are not counted.
        forward: the pass.
    """
    own = {one.untyped_storage().data_ptr() for one in (*model.parameters(), *model.buffers())}
    kept: dict[int, Tensor] = {}  # with the tensor itself, so that no address comes twice

    def note(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        forward()
    return sum(one.untyped_storage().nbytes() for address, one in kept.items() if address not in own)
