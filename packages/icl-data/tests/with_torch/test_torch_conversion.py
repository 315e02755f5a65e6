"""Index batches become tensors without copies."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from icl_data import ArraySource, BatchSampler, ClassSplit, Random, SequenceBatch  # noqa: E402
from icl_data.torch import ExampleBank, to_torch  # noqa: E402


def _batch() -> SequenceBatch:
    return BatchSampler(3, ClassSplit(20, n_rare=10, n_common=5), Random(), batch_size=6, seed=0)(0)


@pytest.mark.parametrize("rows", [slice(None), slice(1, 5), slice(0, 6, 2)])
def test_cpu_tensors_share_the_memory_of_the_batch(rows: slice) -> None:
    batch = _batch()[rows]
    for name, tensor in to_torch(batch).items():
        field = getattr(batch, name)
        assert tensor.dtype == torch.int32
        assert tensor.tolist() == field.tolist()
        assert tensor.data_ptr() == field.ctypes.data
        tensor[0, 0] += 1
        assert field[0, 0] == tensor[0, 0]


def test_tensors_are_made_on_the_device_that_is_asked_for() -> None:
    tensors = to_torch(_batch(), "meta")
    assert {tensor.device.type for tensor in tensors.values()} == {"meta"}
    assert {tuple(tensor.shape) for tensor in tensors.values()} == {(6, 9)}


def test_a_bank_looks_up_the_tensors_as_it_does_the_batch() -> None:
    bank, batch = ExampleBank(ArraySource(torch.arange(60).reshape(20, 3).numpy())), _batch()
    tensors = to_torch(batch)
    found = bank.gather(tensors["class_index"], tensors["exemplar_index"])
    assert torch.equal(found, bank(batch, seed=0, step=0))


def test_a_batch_converts_itself() -> None:
    batch = _batch()
    for name, tensor in batch.to_torch().items():
        assert tensor.data_ptr() == getattr(batch, name).ctypes.data
    assert {tensor.device.type for tensor in batch.to_torch("meta").values()} == {"meta"}
