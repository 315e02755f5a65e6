"""A bank works where it is: nothing is fetched from the device, and nothing on the host is out of bounds.

The device "meta" has no numbers, so that whatever fetches one fails there.
"""

from __future__ import annotations

import numpy as np
import pytest
from bank_sources import assert_positions_outside_are_refused

torch = pytest.importorskip("torch")

from icl_data import (  # noqa: E402  # noqa: E402
    ArraySource,
    Augmented,
    BatchSampler,
    Bursty,
    ClassSplit,
    Fewshot,
    GaussianSource,
    OmniglotSource,
    SymbolicSource,
)
from icl_data.torch import ExampleBank, _normal  # noqa: E402
from icl_data.torch._turning import turn_group_by_group, turn_together  # noqa: E402

RNG = np.random.default_rng(0)


@pytest.fixture(params=["ids", "vectors", "images", "packed", "augmented", "augmented packed"])
def source(request, tiny_omniglot):
    images = OmniglotSource(tiny_omniglot.folder, packed="packed" in request.param)
    others = {"ids": SymbolicSource(5), "vectors": GaussianSource(5, dim=4)}
    return others.get(request.param, Augmented(images) if "augmented" in request.param else images)


def test_looking_up_fetches_nothing_from_the_device(source) -> None:
    bank = ExampleBank(source, device="meta")
    on_device = torch.zeros(3, 4, dtype=torch.int32, device="meta")
    for found in (bank.gather(np.zeros((3, 4)), 0), bank.gather(on_device, on_device)):
        assert found.device.type == "meta"
        assert found.shape == (3, 4, *source.example_shape)


@pytest.mark.parametrize("noise_scale", [0.0, 0.1])
def test_downsampling_and_noise_fetch_nothing_from_the_device(source, noise_scale: float, monkeypatch) -> None:
    if source.kind != "image":
        pytest.skip("only images are downsampled")
    monkeypatch.setattr(
        _normal, "_generator", lambda seed, step, device: torch.Generator()
    )  # "meta" has none of its own
    bank = ExampleBank(source, device="meta", downsample=True, noise_scale=noise_scale)
    split = ClassSplit(source.n_classes, n_rare=1, n_common=1, n_holdout=3)
    batch = BatchSampler(4, split, Fewshot(shots=1), batch_size=2, seed=0)(0)
    found = bank(batch, seed=0, step=0)
    assert found.device.type == "meta"
    assert found.shape == (2, 3, 28, 28, 1)


def test_vector_noise_fetches_nothing_from_the_device(monkeypatch) -> None:
    monkeypatch.setattr(_normal, "_generator", lambda seed, step, device: torch.Generator())
    batch = BatchSampler(1, ClassSplit(5, n_rare=1, n_common=1, n_holdout=3), Fewshot(shots=1), batch_size=2, seed=0)(0)
    found = ExampleBank(GaussianSource(5, dim=4), device="meta", noise_scale=0.1)(batch, seed=0, step=0)
    assert found.device.type == "meta"


@pytest.mark.parametrize("shape", [(300, 6, 6, 1), (40, 105, 105, 3), (0, 5, 5, 1)])
def test_images_are_turned_alike_on_every_device(shape: tuple[int, ...]) -> None:
    images = torch.from_numpy(RNG.integers(256, size=shape, dtype=np.uint8))
    transform = torch.from_numpy(RNG.integers(8, size=len(images)))
    assert torch.equal(turn_together(images, transform), turn_group_by_group(images.clone(), transform))


@pytest.mark.parametrize("convert", [np.array, torch.tensor, list])
@pytest.mark.parametrize("outside", [-1, 10_000])
def test_position_that_does_not_exist_is_refused(source, outside: int, convert) -> None:
    assert_positions_outside_are_refused(ExampleBank(source), source, outside, convert)


def test_position_that_does_not_exist_is_refused_before_it_goes_to_the_device() -> None:
    with pytest.raises(IndexError, match=r"^exemplar_index must be in 0\.\.1, got 2$"):
        ExampleBank(ArraySource(RNG.normal(size=(6, 2, 5))), device="meta").gather(0, 2)


def test_nothing_is_looked_up_for_no_positions() -> None:
    assert ExampleBank(GaussianSource(5, dim=4)).gather(np.zeros((0, 9)), 0).shape == (0, 9, 4)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_bank_on_the_cpu_shares_the_memory_of_an_array(dtype: type) -> None:
    array = np.zeros((3, 2, 4, 4), dtype=dtype)
    bank = ExampleBank(ArraySource(array))
    array[1, 1] = 1
    assert bank.gather(1, 1).min() > 0


def test_array_that_must_not_be_written_to_can_be_looked_up() -> None:
    array = RNG.normal(size=(3, 2, 5)).astype(np.float32)
    array.flags.writeable = False
    source = ArraySource(array[::-1])
    np.testing.assert_array_equal(ExampleBank(source).gather([0, 2], 1), source.gather([0, 2], [1, 1]))


def test_indices_on_the_device_find_what_a_batch_finds_with_its_noise() -> None:
    source = GaussianSource(20, dim=6, seed=0, noise_scale=0.3)
    split = ClassSplit(20, n_rare=15, n_common=2)
    bank = ExampleBank(source, noise_scale=0.2)
    batch = BatchSampler(source, split, Bursty(p_bursty=0.5), batch_size=3, seed=1)(4)
    classes, exemplars = (torch.from_numpy(index).long() for index in (batch.class_index, batch.exemplar_index))
    generator = bank.seed_noise(torch.Generator(), seed=7, step=4)
    assert torch.equal(bank.look_up(classes, exemplars, generator), bank(batch, seed=7, step=4))
    assert torch.equal(bank.look_up(classes, exemplars), bank.gather(classes, exemplars))
