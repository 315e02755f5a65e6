"""The sequences of evaluations that share them: fixed, so that two models answer the same questions."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from torch import Tensor

from icl_data import SequenceBatch
from icl_data.torch import ExampleBank
from icl_train._evaluating.data import EvaluationData
from icl_train._evaluations.value import Evaluation

__all__ = ["Contexts"]


@dataclass(frozen=True, eq=False)
class Contexts:
    """The fixed sequences of one stream: N of them, asked about once or several times."""

    data: EvaluationData
    bank: ExampleBank
    batches: list[SequenceBatch]  # whole ones, whose noise is drawn for all of them
    labels: Tensor  # (N, L), before any exchange
    codes: npt.NDArray[np.int64]  # (N, L) class_index * n_exemplars + exemplar_index
    asked: list[Evaluation]
    kept: dict[int, Tensor] = field(default_factory=dict)  # examples of a call, with their noise, for the next model

    @property
    def classes(self) -> npt.NDArray[np.int64]:
        """Class positions in the source that occur, ascending; new classes of a batch come after its last."""
        return np.unique(self.codes) // self.bank.source.n_exemplars

    def keys(self) -> npt.NDArray[np.int64]:
        """(N, L) keys of the classes; -1 for one that is new in a batch."""
        positions = self.codes // self.bank.source.n_exemplars
        known = positions < self.bank.source.n_classes
        found = np.full(positions.shape, -1, dtype=np.int64)
        found[known] = self.data.keys_of(positions[known])
        return found

    @property
    def is_table(self) -> bool:
        """Whether each example is always the same: neither noise nor classes that are new in a batch enter."""
        return self.bank.deterministic and int(self.classes[-1]) < self.bank.source.n_classes
