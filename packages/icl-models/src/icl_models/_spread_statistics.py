"""Statistics of a batch that is spread over processes, for every layer of a model that takes such."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ["spread_statistics"]


def spread_statistics(model: nn.Module, total: Callable[[Tensor], Tensor], size: int) -> None:
    """Let what a model takes of a batch in training be of all processes' sequences, of which each has as many.

    Normalisation is then over the whole batch, or over groups of `sequences_per_statistics`, which one process has
    whole; running averages are those of all. The gradients that a process gets are those of the sum of all losses, as
    far as its own sequences go: their mean over processes is that of the whole batch's mean loss.

    A module that takes statistics of its own has a method ``spread_statistics(total, size)``, called with the same.

    Args:
        model: its modules are changed.
        total: a tensor → the sum of those of all processes, in place.
        size: number of processes.

    Raises:
        ValueError: for a module that is one of torch's own batch normalisations.
    """
    for name, module in model.named_modules():
        if isinstance(module, _BatchNorm):
            raise ValueError(
                f"several processes need layers that can take statistics over all of them, got {name} "
                f"({type(module).__name__})"
            )
        spread = getattr(module, "spread_statistics", None)
        if callable(spread):
            spread(total, size)
