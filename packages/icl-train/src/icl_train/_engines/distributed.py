"""Updates that several processes make together, each of some sequences of the batch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from icl_data import SequenceBatch
from icl_models import spread_statistics
from icl_train._distributed.alone import Alone
from icl_train._engines.eager import Eager, seed_of_dropout
from icl_train._task import Task

__all__ = ["Distributed"]


class Distributed(Eager):
    """As `Eager`, for one of several processes.

    Each looks up its share of the batch and computes that share's mean loss; gradients are then averaged, so that all
    processes make the same step of their optimisers. Statistics that a model takes of a batch are those of the whole.
    The shares have dropout of their own.

    Gradients go as one vector when all are there. torch's DistributedDataParallel sends those of the last layers while
    the first are computed, but needs to know of parameters that a pass does not use, which change with interventions.

    Args:
        task: the run's data on the device of this process.
        processes: this one and the others.
        compiled: whether torch.compile makes the model's passes.

    Raises:
        ValueError: for a model with statistics that cannot be taken over several processes.
    """

    def __init__(self, task: Task, processes: Alone, *, compiled: bool = False) -> None:
        super().__init__(task)
        self._processes = processes
        share = self.config.train.batch_size // processes.size
        self._rows = slice(processes.rank * share, (processes.rank + 1) * share)
        spread_statistics(self.model, processes.total, processes.size)
        if compiled:
            self.name = "compiled"
            self.call = torch.compile(self.model, dynamic=False)

    def seed_dropout(self, step: int) -> None:
        torch.manual_seed(seed_of_dropout(self.config.seeds.init, step, self._processes.rank))

    def look_up(self, batch: SequenceBatch, step: int) -> tuple[Tensor, Tensor]:
        examples = self.task.bank(batch, seed=self.config.seeds.data, step=step, rows=self._rows)
        return examples, torch.tensor(batch.label[self._rows], dtype=torch.int64, device=self.device)

    def gather(self) -> None:
        self._processes.total(self.sums.tensor).div_(self._processes.size)

    def last_finite(self) -> int | None:
        return self._processes.least(super().last_finite() or 0) or None

    def _differentiate(self, loss: Tensor) -> None:
        super()._differentiate(loss)
        _average([one for one in self.model.parameters() if one.requires_grad], self._processes)


def _average(parameters: list[nn.Parameter], processes: Alone) -> None:
    """Replace gradients by their mean over processes; that of a parameter which none of them has used stays None."""
    used = [one.grad is not None for one in parameters]
    gradients = [torch.zeros_like(one) if one.grad is None else one.grad for one in parameters]
    # With who has used what: an update that passes a parameter over is another one than that by a gradient of zero.
    flat = torch.cat([*(one.flatten() for one in gradients), gradients[0].new_tensor(used)])
    *means, users = torch.split(processes.total(flat), [*(one.numel() for one in gradients), len(used)])
    torch._foreach_div_(means, processes.size)
    torch._foreach_copy_(gradients, [mean.view_as(one) for mean, one in zip(means, gradients, strict=True)])
    if all(used):
        return
    for parameter, gradient, count in zip(parameters, gradients, users.tolist(), strict=True):
        parameter.grad = gradient if count else None
