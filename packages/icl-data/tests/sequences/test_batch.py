"""A batch hands out its fields by name and by rows, without copies."""

from __future__ import annotations

import numpy as np

from icl_data import BatchSampler, ClassSplit, Random, SequenceBatch

FIELDS = ["class_index", "exemplar_index", "label", "is_rare"]


def _batch() -> SequenceBatch:
    return BatchSampler(3, ClassSplit(20, n_rare=10, n_common=5), Random(), batch_size=6, seed=0)(0)


def test_to_numpy_names_every_field_and_shares_its_memory() -> None:
    batch = _batch()
    arrays = batch.to_numpy()
    assert list(arrays) == FIELDS
    assert all(arrays[name] is getattr(batch, name) for name in FIELDS)


def test_rows_share_the_memory_of_the_batch() -> None:
    batch = _batch()
    rows = batch[2:5]
    assert len(rows) == 3
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(rows, name), getattr(batch, name)[2:5])
        assert np.shares_memory(getattr(rows, name), getattr(batch, name))
