"""A batch of sequences as indices: which class, which exemplar, which label."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from icl_data.foundation.extras import import_extra

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
        """The fields as int32 tensors by name, which share this memory on the CPU and are copied to other devices.

        Args:
            device: where the tensors are needed.

        Returns:
            `class_index`, `exemplar_index`, `label` and `is_rare`, each (B, L).

        Raises:
            MissingExtra: PyTorch is not installed.
        """
        torch = import_extra("torch", "icl-data[torch]", "SequenceBatch.to_torch")
        return {name: torch.from_numpy(values).to(device) for name, values in self.to_numpy().items()}

    def to_jax(self, device: jax.Device | jax.sharding.Sharding | None = None) -> dict[str, jax.Array]:
        """The fields as int32 JAX arrays by name.

        On a CPU they share this memory where JAX can use it, which is where a field is contiguous and begins at a
        multiple of 64 bytes (NumPy's own promise is 16); do not write to the batch then, since JAX takes its arrays
        for constant. Other fields, and all of them for other devices, are copied.

        Args:
            device: where the arrays are needed, None for JAX's default device.

        Returns:
            `class_index`, `exemplar_index`, `label` and `is_rare`, each (B, L).

        Raises:
            MissingExtra: JAX is not installed.
        """
        jax = import_extra("jax", "icl-data[jax]", "SequenceBatch.to_jax")
        held = self.to_numpy()
        return dict(zip(held, jax.device_put([*held.values()], device, may_alias=True), strict=True))
