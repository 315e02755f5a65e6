"""Which values of the records are asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

__all__ = ["ACCURACIES", "Wanted"]

ACCURACIES = ("accuracy_query", "accuracy_closed", "accuracy_class")
"""By one of these every evaluation that icl-train writes is measured."""

_LOSS_OF_EVALUATION, _LOSS_OF_TRAINING = "loss_query", "loss"


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Attributes:
        splits: names as in the table (without ``eval_``); None for all.
        metrics: names; None for headlines and losses, "all" for every number.
    """

    splits: Collection[str] | None = None
    metrics: Sequence[str] | str | None = None

    @property
    def everything(self) -> bool:
        """Whether it is every number, whatever it is called."""
        return isinstance(self.metrics, str)

    @property
    def metrics_to_read(self) -> list[str]:
        """Names of the metrics that are looked for in records, and the accuracies, which are always looked at."""
        return list(dict.fromkeys([*ACCURACIES, *self._beside_accuracies]))

    @property
    def metrics_with_bounds(self) -> list[str]:
        """Those of them that may have bounds."""
        return list(ACCURACIES) if self.metrics is None else self.metrics_to_read

    @property
    def _beside_accuracies(self) -> Sequence[str]:
        if self.metrics is None:
            return (_LOSS_OF_EVALUATION, _LOSS_OF_TRAINING)
        return () if self.everything else self.metrics

    def headline(self, metric: str) -> bool:
        """Whether the accuracy that a split is measured by is asked for."""
        return self.metrics is None or self.everything or metric in self.metrics

    def beside(self, metric: str, *, training: bool) -> bool:
        """Whether a metric is asked for where it is no headline.

        Args:
            metric: its name.
            training: of the records of training, or of those of evaluations.
        """
        if self.metrics is None:
            return metric == (_LOSS_OF_TRAINING if training else _LOSS_OF_EVALUATION)
        return self.everything or metric in self.metrics
