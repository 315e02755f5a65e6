"""A batch of sequences as indices: which class, which exemplar, which label."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class SequenceBatch:
    """Sequences before their examples are looked up; the last position is the query.

    Attributes:
        class_index: (B, L) int32 class positions.
        exemplar_index: (B, L) int32 exemplar positions.
        label: (B, L) int32.
        is_rare: (B, L) int32, 1 where the class was drawn from the rare ones.
    """

    class_index: npt.NDArray[np.int32]
    exemplar_index: npt.NDArray[np.int32]
    label: npt.NDArray[np.int32]
    is_rare: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, rows: slice) -> SequenceBatch:
        """Some of the sequences."""
        return SequenceBatch(self.class_index[rows], self.exemplar_index[rows], self.label[rows], self.is_rare[rows])

    def to_numpy(self) -> dict[str, npt.NDArray[np.int32]]:
        """The fields by name, each (B, L), without copying them; `icl_data.torch.to_torch` makes tensors of them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
