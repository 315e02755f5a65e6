"""The model's forward and backward pass as torch.compile makes them."""

from __future__ import annotations

import torch

from icl_train._engines.eager import Eager
from icl_train._task import Task

__all__ = ["Compiled"]


class Compiled(Eager):
    """As `Eager`, with fewer and larger kernels; the first update takes a minute or more.

    Args:
        task: the run's data on its device.
    """

    name = "compiled"

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.call = torch.compile(self.model, dynamic=False)
