"""The sequences of an evaluation as a model embeds them, for looking inside the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from icl_models import InContextModel
from icl_train._evaluating.scoring import Scoring
from icl_train._evaluations.value import Evaluation
from icl_train._intervening.interventions import Acting

__all__ = ["EmbeddedSequences"]


@dataclass(frozen=True, eq=False)
class EmbeddedSequences:
    """The sequences of one evaluation, as a model embeds their examples; the last example is the query.

    Attributes:
        evaluation: what is asked.
        embedded: (N, L, E) examples, which ``InContextModel.from_embeddings`` takes.
        labels: (N, L) int64, exchanged where the evaluation does so; the query's is the right answer.
        classes: (N, L) int64, keys of the run's classes; of turned ones, what they were.
        scoring: how answers are judged.
        acting: interventions that are in the model; calls of it must be made within ``acting.on``.
        per_call: sequences that the evaluation puts into a call; what interventions make of a mean hangs on it.
        theirs: model of another run that these hold it to → (N, L, E) examples as it embeds them.
    """

    evaluation: Evaluation
    embedded: Tensor
    labels: Tensor
    classes: Tensor
    scoring: Scoring
    per_call: int
    acting: Acting | None = None
    theirs: Mapping[InContextModel, Tensor] = field(default_factory=dict)

    def outcomes(self, logits: Tensor) -> dict[str, Tensor]:
        """For each sequence, (N,) float32: ``accuracy``, the headline of the evaluation, and ``loss``.

        Args:
            logits: (N, C) answers at the query.
        """
        answers = self.scoring.outcomes(logits, self.labels)[self.scoring.headline_metric]
        loss = torch.nn.functional.cross_entropy(logits, self.labels[:, -1], reduction="none")
        return {"accuracy": answers, "loss": loss}
