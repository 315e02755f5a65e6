"""A whole update as one CUDA graph: looked up, computed, added up and applied without the host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from icl_data import SequenceBatch
from icl_train._engines.ahead import Ahead
from icl_train._engines.capturing import Captured
from icl_train._engines.eager import Eager
from icl_train._engines.inputs import Inputs
from icl_train._task import Task

__all__ = ["Graph"]


class Graph(Eager):
    """As `Eager`, replayed from a CUDA graph that is captured at the first update.

    The host draws indices ahead, copies them and the rate, and seeds the generators; examples are looked up on the
    device where their source is there, else before each update. Nothing waits for the device but lines of metrics.

    Args:
        task: the run's data on a CUDA device.
    """

    name = "graph"

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.sampler = self._ahead = Ahead(self.sampler)
        self._replay: Callable[[], None] | None = None
        self._noise = None if task.bank.deterministic else torch.Generator(self.device)
        self._captures_examples = task.bank.is_on_device and not self.config.data.p_new

    def update(self, step: int) -> None:
        batch = self.sampler(step)
        if self._replay is None:
            self._prepare(batch)
        self._fill(batch, step)
        if self._replay is None:
            with self._unchanged():
                self._replay = self._captured(step)
            self._seed(step)
        self._replay()
        self.sums.count += 1
        self.losses.add(step, self._loss.clone())

    def close(self) -> None:
        self._ahead.close()

    def _prepare(self, batch: SequenceBatch) -> None:
        self._inputs = Inputs(batch.label.shape, self.device)
        for group in self.optimizer.param_groups:
            group["lr"] = self._inputs.rate
            if "capturable" in group:
                group["capturable"] = self.device.type == "cuda"
        if not self._captures_examples:
            bank = self.task.bank
            dtype = torch.int64 if bank.kind == "id" else torch.float32
            self._examples = torch.zeros((*batch.label.shape, *bank.example_shape), dtype=dtype, device=self.device)

    def _fill(self, batch: SequenceBatch, step: int) -> None:
        self._inputs.fill(batch, self.learning_rate(step))
        if not self._captures_examples:
            self._examples.copy_(self.task.bank(batch, seed=self.config.seeds.data, step=step))
        self._seed(step)

    def _seed(self, step: int) -> None:
        self.seed_dropout(step)
        if self._noise is not None:
            self.task.bank.seed_noise(self._noise, seed=self.config.seeds.data, step=step)

    def _captured(self, step: int) -> Callable[[], None]:
        """What makes an update of the inputs; what warms kernels up here is an update as well."""

        def update() -> None:
            self._loss = self._whole_update(step)

        return Captured(
            update,
            self.device,
            generators=() if self._noise is None else (self._noise,),
            ready=self.optimizer.zero_grad,  # so that gradients get memory of the graph's own
        )

    def _whole_update(self, step: int) -> Tensor:
        inputs = self._inputs
        inputs.unpack()
        if self._captures_examples:
            examples = self.task.bank.look_up(inputs.classes, inputs.exemplars, self._noise)
        else:
            examples = self._examples
        found = self.forward(examples, inputs.labels, step)
        self.backward(found[0])
        self.optimizer.step()
        self.add_up(found, inputs.labels)
        return found[0].detach()

    @contextmanager
    def _unchanged(self) -> Iterator[None]:
        """Put everything back that updates in the block change."""
        changed = [*self.model.state_dict().values(), self.sums.tensor]
        before = [one.clone() for one in changed]
        state = self.optimizer.state
        moments = {parameter: {name: one.clone() for name, one in kept.items()} for parameter, kept in state.items()}
        yield
        with torch.no_grad():
            for one, was in zip(changed, before, strict=True):
                one.copy_(was)
            for parameter, kept in state.items():
                for name, one in kept.items():
                    if parameter in moments:
                        one.copy_(moments[parameter][name])
                    else:  # of a run that begins: as the optimiser would make it
                        one.zero_()
