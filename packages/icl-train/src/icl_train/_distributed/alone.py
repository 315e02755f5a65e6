"""One process: what several do together, where there is nobody else."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor

from icl_train._computing.device import resolve_device

T = TypeVar("T")

__all__ = ["Alone"]


class Alone:
    """The only process of a run.

    Attributes:
        rank, size: its number, of so many.
    """

    rank, size = 0, 1

    def device(self, name: str) -> torch.device:
        """The device behind the name that a run has (see `resolve_device`), for this process."""
        return resolve_device(name)

    def from_first(self, value: T) -> T:
        """What the first process gives, in all of them; what others give is not looked at."""
        return value

    def wait(self) -> None:
        """Go on when all are here."""

    def heard(self, asked: bool) -> bool:
        """Whether any process had been asked for something, at the same time in all of them."""
        return asked

    def least(self, number: int) -> int:
        """The least that any of them gives."""
        return number

    def total(self, tensor: Tensor) -> Tensor:
        """The sum of all their tensors, in place."""
        return tensor
