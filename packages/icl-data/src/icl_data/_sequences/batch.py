"""A batch of sequences as indices: which class, which exemplar, which label."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import jax
    import torch


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
        """The fields by name, each (B, L), without copying them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def to_torch(self, device: str | torch.device = "cpu") -> dict[str, torch.Tensor]:
        """The fields as tensors by name, see `icl_data.torch.to_torch`.

        Raises:
            ImportError: the extra `icl-data[torch]` is not installed.
        """
        from icl_data.torch import to_torch

        return to_torch(self, device)

    def to_jax(self, device: jax.Device | jax.sharding.Sharding | None = None) -> dict[str, jax.Array]:
        """The fields as JAX arrays by name, see `icl_data.jax.to_jax`.

        Raises:
            ImportError: the extra `icl-data[jax]` is not installed.
        """
        from icl_data.jax import to_jax

        return to_jax(self, device)
