"""Index batches as JAX arrays."""

from __future__ import annotations

import jax

from icl_data._sequences.batch import SequenceBatch


def to_jax(batch: SequenceBatch, device: jax.Device | jax.sharding.Sharding | None = None) -> dict[str, jax.Array]:
    """A batch's fields as int32 arrays by name.

    On a CPU they share the batch's memory where JAX can use it, which is where a field is contiguous and begins at a
    multiple of 64 bytes (NumPy's own promise is 16); do not write to the batch then, since JAX takes its arrays for
    constant. Other fields, and all of them for other devices, are copied.

    Args:
        batch: B sequences of length L.
        device: where the arrays are needed, None for JAX's default device.

    Returns:
        `class_index`, `exemplar_index`, `label` and `is_rare`, each (B, L).
    """
    return batch.to_jax(device)
