"""Examples on the device equal the source's own."""

from __future__ import annotations

import numpy as np
import pytest
from bank_sources import BUILT_IN, RNG, Foreign

torch = pytest.importorskip("torch")

from icl_data import (  # noqa: E402
    ArraySource,
    Augmented,
    BatchSampler,
    Bursty,
    ClassSplit,
    GaussianSource,
    OmniglotSource,
    SymbolicSource,
)
from icl_data.torch import ExampleBank, downsample  # noqa: E402

SOURCES = [*BUILT_IN, Foreign(0.0)]


NOISY_SMALL = {"downsample": True, "noise_scale": 0.1}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: type(source).__name__ + str(source.example_shape))
def test_bank_gives_what_the_source_gives(source) -> None:
    classes = RNG.integers(source.n_classes, size=(4, 7))
    exemplars = RNG.integers(source.n_exemplars, size=(4, 7))
    found = ExampleBank(source).gather(classes, exemplars)
    assert found.dtype == (torch.int64 if source.kind == "id" else torch.float32)
    np.testing.assert_allclose(found.numpy(), source.gather(classes, exemplars), rtol=1e-6)


@pytest.mark.parametrize("augment", [False, True])
def test_omniglot_bank_is_bit_exact(tiny_omniglot, augment: bool) -> None:
    base = OmniglotSource(tiny_omniglot.folder)
    source = Augmented(base) if augment else base
    classes = RNG.integers(source.n_classes, size=(6, 9))
    exemplars = RNG.integers(4, size=(6, 9))
    found = ExampleBank(source).gather(torch.from_numpy(classes), torch.from_numpy(exemplars))
    np.testing.assert_array_equal(found.numpy(), source.gather(classes, exemplars))


@pytest.mark.parametrize("augment", [False, True])
def test_stored_small_omniglot_equals_interpolation(tiny_omniglot, augment: bool) -> None:
    base = OmniglotSource(tiny_omniglot.folder)
    source = Augmented(base) if augment else base
    classes = np.arange(source.n_classes)
    small = ExampleBank(source, downsample=True).gather(classes, 1)
    assert small.shape == (source.n_classes, 28, 28, 1)
    torch.testing.assert_close(small, downsample(ExampleBank(source).gather(classes, 1)), rtol=0, atol=2e-7)


@pytest.mark.parametrize("augment", [False, True])
@pytest.mark.parametrize("options", [{}, {"downsample": True}, {"noise_scale": 0.1}, NOISY_SMALL], ids=str)
def test_bank_of_packed_omniglot_gives_the_same_tensors(tiny_omniglot, augment: bool, options: dict) -> None:
    plain, packed = (OmniglotSource(tiny_omniglot.folder, packed=packed) for packed in (False, True))
    if augment:
        plain, packed = Augmented(plain), Augmented(packed)
    split = ClassSplit(plain.n_classes, n_rare=3, n_common=2)
    batch = BatchSampler(4, split, Bursty(), batch_size=8, seed=0)(0)
    found, expected = (ExampleBank(source, **options)(batch, seed=3, step=4) for source in (packed, plain))
    assert found.dtype == expected.dtype
    assert torch.equal(found, expected)


def test_bank_shares_the_bits_of_a_packed_source(tiny_omniglot) -> None:
    source = OmniglotSource(tiny_omniglot.folder, packed=True)
    bank = ExampleBank(source)
    before = bank.gather(0, 0)
    source.bits[0, 0] ^= 0xFF
    assert not torch.equal(bank.gather(0, 0) > 0, before > 0)


def test_downsampling_is_bilinear_at_half_pixel_centres() -> None:
    row = torch.arange(56.0)[None, :, None].expand(56, 56, 1)
    torch.testing.assert_close(downsample(row)[5, :, 0], torch.arange(28) * 2 + 0.5)


def test_indices_broadcast() -> None:
    bank = ExampleBank(ArraySource(RNG.normal(size=(6, 2, 5))))
    assert bank.gather(np.arange(6)[:, None], np.arange(2)).shape == (6, 2, 5)
    assert bank.gather(3, 1).shape == (5,)


def _batch(source):
    split = ClassSplit(source.class_keys, n_rare=3, n_common=2, n_holdout=1)
    return BatchSampler(1, split, Bursty(), batch_size=8, seed=0)(0)


@pytest.mark.parametrize(
    ("source", "noise_scale"), [(GaussianSource(6), 0.0), (Foreign(0.5), 0.0), (Foreign(0.0), 0.3), (SOURCES[3], 0.2)]
)
def test_noise_is_a_function_of_seed_and_step(source, noise_scale: float) -> None:
    bank = ExampleBank(source, noise_scale=noise_scale)
    assert not bank.deterministic
    state = torch.get_rng_state()
    first = bank(_batch(source), seed=1, step=2)
    assert torch.equal(first, ExampleBank(source, noise_scale=noise_scale)(_batch(source), seed=1, step=2))
    assert not torch.equal(first, bank(_batch(source), seed=1, step=3))
    assert not torch.equal(first, bank(_batch(source), seed=2, step=2))
    assert torch.equal(state, torch.get_rng_state())


def test_noise_has_the_scales_of_source_and_bank_together() -> None:
    source = ArraySource(np.zeros((6, 1, 500)), noise_scale=0.3)
    found = ExampleBank(source, noise_scale=0.4)(_batch(source), seed=0, step=0)
    # 36,000 normal numbers: 5 % is 13 standard errors.
    assert float(found.std()) == pytest.approx(0.5, rel=0.05)


def test_gaussian_noise_has_the_source_scale() -> None:
    source = GaussianSource(6, dim=400, noise_scale=0.5)
    batch = _batch(source)
    bank = ExampleBank(source)
    noise = bank(batch, seed=0, step=0) - bank.gather(batch.class_index, batch.exemplar_index)
    assert float(noise.var()) == pytest.approx(0.25 / 400 / 1.25, rel=0.05)


def test_noise_is_added_before_downsampling() -> None:
    source = ArraySource(np.zeros((6, 1, 105, 105)))
    found = ExampleBank(source, downsample=True, noise_scale=1.0)(_batch(source), seed=0, step=0)
    # Averaging four neighbours with these weights shrinks the variance to (mean of (1-f)^2 + f^2)^2 = 0.43.
    weights = np.array([0.375, 0.125, 0.875, 0.625])
    expected = np.mean(weights**2 + (1 - weights) ** 2) ** 2
    assert float(found.var()) == pytest.approx(expected, rel=0.05)


def test_bank_without_noise_is_deterministic() -> None:
    bank = ExampleBank(SOURCES[3])
    assert bank.deterministic
    assert torch.equal(bank(_batch(SOURCES[3]), seed=0, step=0), bank(_batch(SOURCES[3]), seed=5, step=9))


def test_changing_examples_does_not_change_the_bank() -> None:
    bank = ExampleBank(SOURCES[3])
    expected = bank.gather(0, 0).clone()
    bank.gather(0, 0).zero_()
    assert torch.equal(bank.gather(0, 0), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"downsample": True}, "images, got kind 'id'"),
        ({"noise_scale": 0.1}, "0 for ids, got 0.1"),
        ({"noise_scale": -1.0}, "must be >= 0"),
    ],
)
def test_option_that_ids_cannot_have_is_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ExampleBank(SymbolicSource(3), **options)


def test_a_subclass_that_gathers_in_its_own_way_is_asked() -> None:
    class Negative(ArraySource):
        def gather(self, class_index, exemplar_index, noise=None):
            return -super().gather(class_index, exemplar_index, noise)

    source = Negative(RNG.normal(size=(6, 2, 5)))
    classes, exemplars = np.arange(6)[:, None], np.arange(2)
    np.testing.assert_array_equal(ExampleBank(source).gather(classes, exemplars), source.gather(classes, exemplars))
