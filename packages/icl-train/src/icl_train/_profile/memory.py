"""What an update keeps and moves."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor

__all__ = ["Memory", "peak_of_process", "size_of"]


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes of a run while it is trained.

    Attributes:
        parameters, gradients: of the model.
        optimizer: what the optimiser remembers.
        activations: what a forward pass keeps for its backward pass.
        peak: the most that was held at once: on CUDA by PyTorch on the device, else by the whole process; None where
            the system does not say.
    """

    parameters: int
    gradients: int
    optimizer: int
    activations: int
    peak: int | None

    @property
    def moved(self) -> int:
        """Bytes that an update moves at least, if each pass reads or writes a tensor once.

        Parameters are read forward and backward, and read and written by the optimiser; gradients are written and read;
        what the optimiser remembers is read and written, and so are activations. What operations move in between, and
        what a cache spares, is not in it.
        """
        return 4 * self.parameters + 2 * self.gradients + 2 * self.optimizer + 2 * self.activations


def size_of(tensors: Iterable[Tensor | None]) -> int:
    """Bytes of tensors."""
    return sum(one.nbytes for one in tensors if one is not None)


def peak_of_process() -> int | None:
    """The most bytes that this process has held; None on systems that do not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most
