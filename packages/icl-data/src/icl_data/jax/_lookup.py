"""Examples by index from a table of stored rows on a device."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from icl_data._banks.example_table import ExampleTable
from icl_data._sources.augmented import COLUMNS_REVERSED, N_TRANSFORMS, ROWS_REVERSED, SWAPPED


class Table(NamedTuple):
    """An `ExampleTable`'s numbers on a device.

    Attributes:
        rows: (n_classes, n_exemplars, *stored shape) in the dtype they are stored in, ids as int32.
        orders: base order of each augmentation, the outermost first.
    """

    rows: jax.Array
    orders: tuple[jax.Array, ...]


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What the numbers of a `Table` stand for; hashable, so that one compiled look-up serves all tables alike.

    Attributes:
        shape: of an example, unpacked.
        packed, scale: as in `ExampleTable`.
    """

    shape: tuple[int, ...]
    packed: bool
    scale: float


def put_table(table: ExampleTable, device: jax.Device | jax.sharding.Sharding | None) -> Table:
    """A table on a device; on a CPU in the same memory, if that is aligned."""
    # JAX counts in 32 bits unless it is told otherwise; ids and positions fit into them.
    rows = table.rows.astype(np.int32) if table.rows.dtype == np.int64 else table.rows
    orders = tuple(order.astype(np.int32) for order in table.orders)
    return Table(*jax.device_put((rows, orders), device, may_alias=True))


def look_up(table: Table, meaning: Meaning, classes: jax.Array, exemplars: jax.Array) -> jax.Array:
    """(N, *shape) int32 or float32 at (N,) positions, none of them outside, without noise."""
    transforms = []
    for order in table.orders:
        transforms.append(classes % N_TRANSFORMS)
        classes = order.at[classes // N_TRANSFORMS].get(mode="promise_in_bounds")
    found = table.rows.at[classes, exemplars].get(mode="promise_in_bounds")
    if meaning.packed:
        found = jnp.unpackbits(found, axis=-1, count=math.prod(meaning.shape)).reshape(-1, *meaning.shape)
    for transform in reversed(transforms):
        found = _turned(found, transform)
    return found if found.dtype == jnp.int32 else found.astype(jnp.float32) * jnp.float32(meaning.scale)


def _turned(images: jax.Array, transform: jax.Array) -> jax.Array:
    """Images (N, H, W, C), each by its own flip and quarter turns."""

    def chosen(steps: int) -> jax.Array:
        return ((steps >> transform) % 2 == 1)[:, None, None, None]

    images = jnp.where(chosen(SWAPPED), images.swapaxes(1, 2), images)
    images = jnp.where(chosen(ROWS_REVERSED), images[:, ::-1], images)
    return jnp.where(chosen(COLUMNS_REVERSED), images[:, :, ::-1], images)
