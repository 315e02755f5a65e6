"""Index batches become JAX arrays, without copies where JAX can use the memory."""

from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax")

from icl_data import BatchSampler, ClassSplit, Random, SequenceBatch  # noqa: E402
from icl_data.foundation.aligned import aligned_empty  # noqa: E402
from icl_data.jax import to_jax  # noqa: E402

CPU = jax.devices("cpu")[0]


def _batch() -> SequenceBatch:
    return BatchSampler(3, ClassSplit(20, n_rare=10, n_common=5), Random(), batch_size=6, seed=0)(0)


def _aligned_batch() -> SequenceBatch:
    fields = []
    for values in _batch().to_numpy().values():
        field = aligned_empty(values.shape, values.dtype)
        field[:] = values
        fields.append(field)
    return SequenceBatch(*fields)


def test_arrays_share_aligned_memory_of_the_batch() -> None:
    batch = _aligned_batch()
    for name, array in to_jax(batch, CPU).items():
        field = getattr(batch, name)
        assert array.unsafe_buffer_pointer() == field.ctypes.data
        field[0, 0] += 1
        assert int(array[0, 0]) == field[0, 0]


@pytest.mark.parametrize("rows", [slice(None), slice(1, 5), slice(0, 6, 2)])
def test_arrays_have_the_values_of_the_batch_wherever_it_lies(rows: slice) -> None:
    batch = _batch()[rows]
    arrays = to_jax(batch)
    assert list(arrays) == list(batch.to_numpy())
    for name, array in arrays.items():
        assert array.dtype == np.int32
        np.testing.assert_array_equal(array, getattr(batch, name))


def test_a_batch_converts_itself() -> None:
    batch = _batch()
    found, expected = batch.to_jax(CPU), to_jax(batch, CPU)
    assert found.keys() == expected.keys()
    for name, array in found.items():
        assert array.devices() == {CPU}
        np.testing.assert_array_equal(array, expected[name])
