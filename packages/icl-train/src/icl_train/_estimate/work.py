"""What is left of a run, and how long that takes: the one sum behind every time that is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from icl_train.config import RunConfig

__all__ = ["Times", "Work"]


@dataclass(frozen=True, kw_only=True)
class Work:
    """Pieces of a run that are still to be done.

    Attributes:
        updates: of the weights.
        evaluations: each of all splits.
        checkpoints: that are written.
    """

    updates: int
    evaluations: int
    checkpoints: int

    @classmethod
    def left_of(cls, config: RunConfig, done: int = 0) -> Self:
        """What a run still needs.

        Args:
            config: its settings.
            done: updates that are done; after 0 what comes before the first update is left as well.
        """
        last = config.train.max_steps
        after = done if done > 0 else -1
        return cls(
            updates=max(0, last - done),
            evaluations=config.evaluations.count_after(after),
            checkpoints=config.train.checkpoints.count_after(after),
        )

    def beside(self, others: Iterable[Work]) -> Work:
        """What several runs need that are trained as one: updates are made for all at once, the rest one by one.

        Args:
            others: of the other runs.
        """
        all_runs = [self, *others]
        return Work(
            updates=max(one.updates for one in all_runs),
            evaluations=sum(one.evaluations for one in all_runs),
            checkpoints=sum(one.checkpoints for one in all_runs),
        )


@dataclass(frozen=True, kw_only=True)
class Times:
    """Seconds that the pieces of a run take on some machine.

    Attributes:
        update: of the weights, its sequences and metrics included.
        evaluation: of all splits.
        checkpoint: being written.
        start: what the first updates take longer than later ones, such as compiling.
    """

    update: float
    evaluation: float = 0.0
    checkpoint: float = 0.0
    start: float = 0.0

    def of(self, work: Work) -> float:
        """Seconds of some pieces, in a process that has made its first updates."""
        return work.updates * self.update + work.evaluations * self.evaluation + work.checkpoints * self.checkpoint

    def from_the_start(self, work: Work) -> float:
        """Seconds of some pieces, in a process that begins with them."""
        return self.of(work) + (self.start if work.updates else 0.0)
