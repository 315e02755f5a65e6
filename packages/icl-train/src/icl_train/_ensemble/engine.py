"""Updates of several runs at once: their models as one, each with its own data, noise, rate and sums."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from icl_models import EnsembleModel
from icl_train._engines.eager import Eager, seed_of_dropout
from icl_train._ensemble.examples import Examples
from icl_train._ensemble.member import Member
from icl_train._ensemble.optimizer import EnsembleOptimizer
from icl_train._ensemble.update import EnsembleUpdate
from icl_train._life.divergence import RecentLosses
from icl_train.config import RunConfig

__all__ = ["Ensemble"]


class Ensemble:
    """The members from here on, until they leave.

    Args:
        members: at one step, whose runs can be trained together.

    Raises:
        ValueError: if they cannot.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = tuple(members)
        first = members[0]
        self.device = first.device
        self.model = EnsembleModel([member.model for member in members])
        self.optimizer = EnsembleOptimizer(self.model, [member.config.optim for member in members])
        for i, member in enumerate(members):
            state = {name: dict(member.optimizer.state[p]) for name, p in member.model.named_parameters()}
            self.optimizer.load_member(i, state)
        config = first.config
        self.updates = EnsembleUpdate(
            self.model,
            self.optimizer,
            precision=config.train.precision,
            w_interim=config.optim.w_interim_predictions,
        )
        self.examples = Examples(members)
        self.generators = [torch.Generator(self.device) for _ in members] if _is_noisy(config) else []
        self.model.generators = self.generators or None
        self.losses = RecentLosses()
        self._norms: dict[str, list[float]] = {}
        for i, member in enumerate(members):
            member.join(self, i)

    def update(self, step: int) -> None:
        """One step of each member's optimiser.

        Args:
            step: number of the update; the first is 1.
        """
        self.prepare(step)
        batches = [member.sampler(step) for member in self.members]
        labels = np.stack([batch.label for batch in batches]).astype(np.int64)
        self.updates(self.examples(batches, step), torch.from_numpy(labels).to(self.device))
        self.count(step)

    def prepare(self, step: int) -> None:
        """Rates, and the noise inside the models, of an update."""
        self.optimizer.set_rates([member.learning_rate(step) for member in self.members])
        for generator, member in zip(self.generators, self.members, strict=False):
            generator.manual_seed(seed_of_dropout(member.config.seeds.init, step))

    def count(self, step: int) -> None:
        """An update has been made, or is under way on the device."""
        for member in self.members:
            member.sums.count += 1
        self.losses.add(step, self.updates.newest.clone())
        self._norms = {}

    def leave(self) -> None:
        """Give back to each member what is its own."""
        for member in self.members:
            member.leave()

    def close(self) -> None:
        """Let go of what is not the process's own."""

    def sums_of(self, member: int) -> Tensor:
        """See `Whole`."""
        return self.updates.sums[:, member]

    def norms_of(self, member: int) -> dict[str, float]:
        """See `Whole`; of all members at once."""
        if not self._norms:
            rows = self.model.rows.detach()
            matrices = rows[:, : self.model.num_matrix_numbers]
            norms = {
                "grad_l2": self.optimizer.norms(),
                "weight_l2": torch.linalg.vector_norm(matrices, dim=1),
                "weight_l2_all": torch.linalg.vector_norm(rows, dim=1),
            }
            self._norms = {name: values.tolist() for name, values in norms.items()}
        return {name: values[member] for name, values in self._norms.items()}

    @torch.no_grad()
    def bring(self, member: int, engine: Eager, *, optimizer: bool) -> None:
        """See `Whole`."""
        engine.model.load_state_dict(self.model.member_state(member))
        if optimizer:
            state = self.optimizer.member_state(member)
            for name, parameter in engine.model.named_parameters():
                engine.optimizer.state[parameter] = state[name]


def _is_noisy(config: RunConfig) -> bool:
    """Whether a forward pass draws random numbers."""
    model = config.model
    drops = model.dropout_prob or model.example_dropout_prob or model.positional_dropout_prob
    return bool(drops) or model.sequence_model == "reddy"
