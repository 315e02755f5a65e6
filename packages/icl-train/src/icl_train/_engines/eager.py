"""The reference: an update as the operations that it consists of, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn

from icl_data import SequenceBatch
from icl_train._engines.sums import RunningSums
from icl_train._intervening.interventions import Interventions
from icl_train._life.divergence import RecentLosses
from icl_train._task import Task, example_logits, intervened_logits
from icl_train.metrics import sequence_loss
from icl_train.optim import add_l2_gradient, build_optimizer, learning_rate, set_learning_rate, weight_matrices

__all__ = ["Eager", "Losses", "norm", "seed_of_dropout"]

Losses = tuple[Tensor, Tensor, Tensor, Tensor]
"""Of one batch: the loss, its part at the query, that of the context, and the logits (B, S or 1, C)."""


class Eager:
    """A model and its optimiser, and how to update them.

    An update is a function of (seed, step): its sequences, the noise on their examples, and its dropout.

    Args:
        task: the run's data on its device.

    Attributes:
        name: of this engine.
        model, optimizer: what an update changes, in place.
        call: what is called for the model's forward pass.
        interventions: what is done to the model meanwhile; set before the first update.
        sums: of the metrics of the updates since the last line.
        losses: of the newest updates.
    """

    name = "eager"

    def __init__(self, task: Task) -> None:
        self.task, self.config = task, task.config
        self.device = task.bank.device
        self.sampler: Callable[[int], SequenceBatch] = task.training_sampler()
        self.model = task.build_model()
        self.call: Callable[..., Tensor] = self.model
        self.optimizer = self._build_optimizer()
        self.interventions: Interventions | None = None
        self.weights = weight_matrices(self.model)
        self.sums, self.losses = RunningSums(self.device), RecentLosses()
        self._grad_l2 = torch.zeros(())

    def update(self, step: int) -> None:
        """One step of the optimiser.

        Args:
            step: number of the update; the first is 1.
        """
        self.seed_dropout(step)
        examples, labels = self.look_up(self.sampler(step), step)
        found = self.forward(examples, labels, step)
        self.backward(found[0])
        self.optimise(step)
        self.add_up(found, labels)
        self.sums.count += 1
        self.losses.add(step, found[0].detach())

    def close(self) -> None:
        """Let go of what is not the process's own."""

    def seed_dropout(self, step: int) -> None:
        """Make the update's dropout a function of the seed and the step."""
        torch.manual_seed(seed_of_dropout(self.config.seeds.init, step))

    def look_up(self, batch: SequenceBatch, step: int) -> tuple[Tensor, Tensor]:
        """Examples (B, S, …) and labels (B, S) of a batch, on the device."""
        examples = self.task.bank(batch, seed=self.config.seeds.data, step=step)
        return examples, torch.tensor(batch.label, dtype=torch.int64, device=self.device)

    def forward(self, examples: Tensor, labels: Tensor, step: int) -> Losses:
        """Loss and logits of a batch in training."""
        self.model.train()
        if self.interventions is None:
            logits = example_logits(self.model, examples, labels, self.config, call=self.call)
        else:
            logits = intervened_logits(self.model, self.interventions.at(step), examples, labels, self.config)
        return *sequence_loss(logits, labels, w_interim=self.config.optim.w_interim_predictions), logits

    def backward(self, loss: Tensor) -> None:
        """The gradients of the loss, and of the penalty on the weights, clipped."""
        optim = self.config.optim
        self.optimizer.zero_grad(set_to_none=True)
        self._differentiate(loss)
        if optim.l2:
            add_l2_gradient(self.weights, optim.l2)
        if optim.clip_norm is not None:
            self._grad_l2 = nn.utils.clip_grad_norm_(self.model.parameters(), optim.clip_norm)

    def optimise(self, step: int) -> None:
        """The optimiser's step, at the rate of this update."""
        set_learning_rate(self.optimizer, self.learning_rate(step))
        self.optimizer.step()

    def add_up(self, found: Losses, labels: Tensor) -> None:
        """Add the metrics of a batch to their sums."""
        *losses, logits = found
        accuracy = (logits[:, -1].detach().argmax(-1) == labels[:, -1]).double().mean()
        self.sums.add([*losses, accuracy])

    def learning_rate(self, step: int) -> float:
        """Of an update."""
        optim = self.config.optim
        return learning_rate(
            step,
            max_lr=optim.max_lr,
            warmup_steps=optim.warmup_steps,
            schedule=optim.schedule,
            final_lr=optim.final_lr,
            last_step=optim.last_scheduled_step(self.config.train.max_steps),
        )

    def norms(self) -> dict[str, float]:
        """Of the last update's gradient, before any clipping; of the weight matrices; and of all parameters."""
        if self.config.optim.clip_norm is not None:
            gradient = float(self._grad_l2)
        else:
            gradient = norm(p.grad for p in self.model.parameters() if p.grad is not None)
        return {"grad_l2": gradient, "weight_l2": norm(self.weights), "weight_l2_all": norm(self.model.parameters())}

    def settle(self, *, optimizer: bool = False) -> None:
        """See to it that the model, and the optimiser if asked for, are as the updates have made them.

        Here they always are; an engine that keeps them elsewhere brings them.
        """

    def gather(self) -> None:
        """Bring together what several processes have each a part of: the sums of the metrics."""

    def last_finite(self) -> int | None:
        """The last step before the first whose loss was not finite; None if that is longer ago than is known."""
        return self.losses.last_finite()

    def _differentiate(self, loss: Tensor) -> None:
        """The gradients of the loss alone."""
        torch.autograd.backward(loss)

    def _build_optimizer(self) -> torch.optim.Optimizer:
        optim = self.config.optim
        return build_optimizer(
            self.model,
            optimizer=optim.optimizer,
            weight_decay=optim.weight_decay,
            b1=optim.b1,
            b2=optim.b2,
            eps=optim.eps,
            momentum=optim.momentum,
            nesterov=optim.nesterov,
        )


def norm(tensors: Iterable[Tensor]) -> float:
    """The root of all their squares."""
    each = torch._foreach_norm([one.detach() for one in tensors])  # of a GPU's tensors in a few calls
    return float(torch.linalg.vector_norm(torch.stack(list(each))))


def seed_of_dropout(seed: int, *numbers: int) -> int:
    """What torch's generator is seeded with for an update.

    Args:
        seed: the run's.
        numbers: of the update, and of the process where there are several.
    """
    return int(np.random.SeedSequence([seed, *numbers]).generate_state(1, np.uint64)[0]) >> 1  # NumPy 1 cannot shift it
