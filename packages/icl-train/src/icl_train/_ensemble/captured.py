"""An ensemble's whole update as one CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

from icl_data import SequenceBatch
from icl_train._engines.ahead import Ahead
from icl_train._engines.capturing import Captured
from icl_train._engines.inputs import Inputs
from icl_train._ensemble.engine import Ensemble
from icl_train._ensemble.examples import stacked
from icl_train._ensemble.member import Member

__all__ = ["CapturedEnsemble"]


class CapturedEnsemble(Ensemble):
    """As `Ensemble`, replayed from a graph that is captured at the first update.

    Args:
        members: at one step, whose runs can be trained together, on a CUDA device.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__(members)
        self._ahead = Ahead(lambda step: stacked([member.sampler(step) for member in self.members]))
        self._replay: Callable[[], None] | None = None

    def update(self, step: int) -> None:
        batch = self._ahead(step)
        if self._replay is None:
            self._make_room(batch)
        self._fill(batch, step)
        if self._replay is None:
            with self._unchanged():
                self._replay = self._captured()
            self._fill(batch, step)
        self._replay()
        self.count(step)

    def close(self) -> None:
        self._ahead.close()

    def _make_room(self, batch: SequenceBatch) -> None:
        shape = batch.label.shape
        self._inputs = Inputs(shape, self.device)
        if not self.examples.on_device:
            bank = self.members[0].task.bank
            dtype = torch.int64 if bank.kind == "id" else torch.float32
            apart = (len(self.members), shape[0] // len(self.members), shape[1])
            self._examples = torch.zeros((*apart, *bank.example_shape), dtype=dtype, device=self.device)

    def _fill(self, batch: SequenceBatch, step: int) -> None:
        self.prepare(step)
        self._inputs.fill(batch, 0.0)  # rates have a place of their own
        if self.examples.on_device:
            self.examples.seed(step)
        else:
            size = len(batch) // len(self.members)
            apart = [batch[i * size : (i + 1) * size] for i in range(len(self.members))]
            self._examples.copy_(self.examples(apart, step))

    def _captured(self) -> Callable[[], None]:
        """What makes an update of the inputs; what warms kernels up here is an update as well."""
        generators = (*self.generators, *self.examples.generators)
        return Captured(self._whole_update, self.device, generators=generators, ready=self.optimizer.zero_grad)

    def _whole_update(self) -> None:
        inputs, members = self._inputs, len(self.members)
        classes, exemplars, labels = (
            one.view(members, -1, one.shape[1]) for one in (inputs.classes, inputs.exemplars, inputs.labels)
        )
        examples = self.examples.look_up(classes, exemplars) if self.examples.on_device else self._examples
        self.updates(examples, labels)

    @contextmanager
    def _unchanged(self) -> Iterator[None]:
        """Put everything back that updates in the block change."""
        changed = [*self.model.state_dict().values(), *self.optimizer.state_tensors(), self.updates.sums]
        before = [one.clone() for one in changed]
        yield
        with torch.no_grad():
            for one, was in zip(changed, before, strict=True):
                one.copy_(was)
