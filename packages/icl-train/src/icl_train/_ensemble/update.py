"""One update of an ensemble from its examples on, all of which a CUDA graph can hold."""

from __future__ import annotations

import torch
from torch import Tensor

from icl_models import EnsembleModel
from icl_train._computing.precision import autocast
from icl_train._ensemble.loss import ensemble_losses
from icl_train._ensemble.optimizer import EnsembleOptimizer
from icl_train.config import Precision

__all__ = ["EnsembleUpdate"]


class EnsembleUpdate:
    """Forward pass, losses, backward pass, the optimiser's step, and sums of the metrics.

    Args:
        model, optimizer: the ensemble.
        precision: of the forward pass.
        w_interim: weight of the context examples' losses, the same for all members.

    Attributes:
        sums: (4, M) float64 of loss, loss at the query, loss of the context and accuracy.
        newest: (M,) losses of the last update.
    """

    def __init__(
        self, model: EnsembleModel, optimizer: EnsembleOptimizer, *, precision: Precision, w_interim: float
    ) -> None:
        self.model, self.optimizer = model, optimizer
        self._precision, self._w_interim = precision, w_interim
        members = len(model.configs)
        self.sums = torch.zeros(4, members, dtype=torch.float64, device=model.rows.device)
        self.newest = model.rows.detach().new_zeros(members)

    def __call__(self, examples: Tensor, labels: Tensor) -> None:
        """Make an update, at the rates that the optimiser has.

        Args:
            examples: (M, B, S, …) of each member.
            labels: (M, B, S).
        """
        self.model.train()
        values = ensemble_losses(self._logits(examples, labels), labels, w_interim=self._w_interim)
        self.optimizer.zero_grad()
        torch.autograd.backward(values[0].sum())  # members have no weights in common
        self.optimizer.step()
        self.sums += values.detach()
        self.newest.copy_(values[0].detach())

    def _logits(self, examples: Tensor, labels: Tensor) -> Tensor:
        """(M, B, S or 1, C), float32 at least, at the tokens that the loss is about."""
        with autocast(self._precision, examples.device):
            if not self._w_interim:
                logits: Tensor = self.model(examples, labels, "query")[:, :, None]
            else:
                logits = self.model(examples, labels)
        if self._w_interim and not self.model.config.concatenate_labels:
            logits = logits[:, :, ::2]
        return logits.to(torch.promote_types(logits.dtype, torch.float32))
