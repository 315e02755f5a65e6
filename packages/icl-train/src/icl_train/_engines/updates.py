"""The updates of a run, as every process that trains it goes through them."""

from __future__ import annotations

import math

from icl_train._distributed.alone import Alone
from icl_train._engines.eager import Eager, norm
from icl_train._runs.folder import RunFailed
from icl_train._runs.interrupt import StopRequest
from icl_train.config import RunConfig

__all__ = ["Diverged", "Updates"]


class Diverged(RunFailed):
    """The loss or the weights are no numbers any more, in all processes at once."""


class Updates:
    """A run's updates in this process; a subclass tells of them and writes them down, which one process alone does.

    Args:
        config: the run's settings.
        engine: how an update is made.
        processes: this one, and those that go through the same updates.

    Attributes:
        model: the engine's.
        evaluations, checkpoints: after which updates there is one.
        step, last: updates done, and in all.
    """

    def __init__(self, config: RunConfig, engine: Eager, processes: Alone) -> None:
        self.config, self.engine, self.processes, self.model = config, engine, processes, engine.model
        self.evaluations, self.checkpoints = config.evaluations, config.train.checkpoints
        self.step, self.last = 0, config.train.max_steps

    def begin(self, step: int, *, is_new: bool) -> None:
        """Go on after so many updates; of a run that is new, what is due before the first is done."""
        self.step = step
        if is_new:
            self._evaluate_and_save(stopping=False)

    def go_through(self) -> None:
        """To the last update, or until somebody asks any of the processes for an end.

        Raises:
            KeyboardInterrupt: if somebody has, when a checkpoint of the last update is written.
        """
        # A terminal's Ctrl+C comes to each process from there and once more from torchrun, which insists by itself.
        with StopRequest(at_once=self.processes.size == 1) as stop:
            while self.step < self.last:
                self.engine.update(self.step + 1)
                self.advance(self.step + 1)
                # asked once: later requests are heard after the next update
                self.write_down(stopping=self.processes.heard(stop.requested))

    def is_due(self, step: int) -> bool:
        """Whether anything is written down after this update."""
        logged = step == self.last or step % self.config.train.log_interval == 0
        return logged or step in self.evaluations or step in self.checkpoints

    def advance(self, step: int) -> None:
        """The engine has made the updates up to this one."""
        self.step = step
        self._advance()

    def write_down(self, *, stopping: bool) -> None:
        """What is due after this many updates: a line of metrics, an evaluation, a checkpoint.

        Args:
            stopping: somebody has asked for an end; with the last update the run has come to its own.

        Raises:
            KeyboardInterrupt: after the checkpoint, if the run ends before its last update.
        """
        ends = self.step == self.last
        if ends or self.step % self.config.train.log_interval == 0:
            self._log()
        stopping = stopping and not ends
        self._evaluate_and_save(stopping=stopping)
        if stopping:
            raise KeyboardInterrupt

    def _evaluate_and_save(self, *, stopping: bool) -> None:
        """The evaluation and the checkpoint that are due after this many updates; nobody goes on before they are."""
        evaluates, saves = self.step in self.evaluations, stopping or self.step in self.checkpoints
        if evaluates or saves:
            self.engine.settle(optimizer=saves)
        if evaluates:
            self._evaluate()
        if saves:
            # A checkpoint of weights that are no numbers could never be resumed from.
            self._require_finite(norm(self.model.parameters()), "weights")
            self.engine.gather()
            self._save()
        if evaluates or saves:
            self.processes.wait()

    def _log(self) -> None:
        """Means since the last line; norms of this step."""
        self.engine.gather()
        means = self.engine.sums.means()
        self._tell(means)
        if self.step % self.config.train.log_interval == 0:  # at the end of a run that may become longer they go on
            self.engine.sums.restart()
        self._require_finite(means["loss"], "loss")

    def _require_finite(self, value: float, what: str) -> None:
        if math.isfinite(value):
            return
        finite = self.engine.last_finite()
        rate = self.engine.learning_rate(finite or self.step)
        told = f"learning rate {rate:g}" + (f"; last finite at step {finite}" if finite else "")
        raise Diverged(f"the {what} must stay finite, got {value} by step {self.step} ({told})")

    def _advance(self) -> None:
        """An update is done."""

    def _tell(self, means: dict[str, float]) -> None:
        """A line of training metrics is due."""

    def _evaluate(self) -> None:
        """An evaluation is due."""

    def _save(self) -> None:
        """A checkpoint is due."""
