"""Examples of the JAX bank equal the source's own, in compiled code, too."""

from __future__ import annotations

import numpy as np
import pytest
from bank_sources import BUILT_IN, RNG, Foreign, assert_positions_outside_are_refused

jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402

from icl_data import (  # noqa: E402
    ArraySource,
    Augmented,
    BatchSampler,
    Bursty,
    ClassSplit,
    GaussianSource,
    OmniglotSource,
    SequenceBatch,
    SymbolicSource,
)
from icl_data.jax import ExampleBank, downsample  # noqa: E402

KEY = jax.random.key(0)


def _name(source) -> str:
    return type(source).__name__ + str(source.example_shape)


def _indices(source) -> tuple[np.ndarray, np.ndarray]:
    return RNG.integers(source.n_classes, size=(4, 7)), RNG.integers(source.n_exemplars, size=(4, 7))


@pytest.mark.parametrize("source", [*BUILT_IN, Foreign(0.0)], ids=_name)
def test_bank_gives_what_the_source_gives(source) -> None:
    classes, exemplars = _indices(source)
    bank = ExampleBank(source)
    found = bank.gather(classes, exemplars)
    assert bank.kind == source.kind
    assert found.shape == (4, 7, *bank.example_shape)
    assert found.dtype == (np.int32 if source.kind == "id" else np.float32)
    np.testing.assert_allclose(found, source.gather(classes, exemplars), rtol=1e-6)


NEW = Bursty(seq_len=9, shots=2, ways=4, p_new=0.5)


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_new_classes_of_a_batch_are_a_function_of_the_key_and_have_one_vector_each(noise: float) -> None:
    source = GaussianSource(40, dim=63, noise_scale=noise)
    sampler = BatchSampler(source, ClassSplit(40, n_rare=40, n_common=0), NEW, batch_size=32, seed=5, n_labels=8)
    batch, bank = sampler(0), ExampleBank(source)
    examples = np.asarray(bank(batch, key=KEY))
    np.testing.assert_array_equal(bank(batch, key=KEY), examples)
    assert not np.allclose(bank(batch, key=jax.random.key(1)), examples)
    is_new = batch.class_index >= 40
    # Of two items of length 1 the product is near 1 / (1 + eps**2) in one class, and near 0 in two.
    products = examples[is_new] @ examples[is_new].T
    same = batch.class_index[is_new][:, None] == batch.class_index[is_new]
    np.fill_diagonal(same, False)
    assert products[same].mean() == pytest.approx(1 / (1 + noise**2), abs=0.1)
    assert abs(products[~same & ~np.eye(len(same), dtype=bool)].mean()) < 0.05
    if not noise:
        np.testing.assert_allclose(examples[~is_new], source.gather(batch.class_index[~is_new], 0), rtol=1e-6)


def test_new_classes_need_a_key_and_a_source_that_has_them() -> None:
    batch = SequenceBatch(*(np.full((3, 2), one, dtype=np.int32) for one in (42, 0, 0, 0)))
    with pytest.raises(ValueError, match=r"key must be a jax.random key where there are new classes, got None"):
        ExampleBank(GaussianSource(40, noise_scale=0.0))(batch)
    with pytest.raises(IndexError, match=r"class_index must be in 0\.\.41, got 42"):
        ExampleBank(GaussianSource(40))(batch[:2], key=KEY)
    with pytest.raises(IndexError, match=r"class_index must be in 0\.\.39, got 42"):
        ExampleBank(SymbolicSource(40))(batch, key=KEY)


@pytest.mark.parametrize("source", BUILT_IN, ids=_name)
def test_compiled_code_takes_the_bank_as_an_argument(source) -> None:
    classes, exemplars = _indices(source)
    bank = ExampleBank(source)
    found = jax.jit(lambda bank, *where: bank.gather(*where))(bank, classes, exemplars)
    np.testing.assert_array_equal(found, bank.gather(classes, exemplars))


def test_banks_that_are_alike_share_compiled_code() -> None:
    compiled = jax.jit(lambda bank: bank.gather(0, 0))
    found = [float(compiled(ExampleBank(ArraySource(np.full((2, 1, 3), value))))[0]) for value in (1.0, 2.0)]
    assert found == [1.0, 2.0]
    assert compiled._cache_size() == 1


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("augment", [False, True])
def test_omniglot_bank_is_bit_exact(tiny_omniglot, augment: bool, packed: bool) -> None:
    base = OmniglotSource(tiny_omniglot.folder, packed=packed)
    source = Augmented(base) if augment else base
    classes, exemplars = RNG.integers(source.n_classes, size=(6, 9)), RNG.integers(4, size=(6, 9))
    found = ExampleBank(source).gather(jnp.asarray(classes), jnp.asarray(exemplars))
    np.testing.assert_array_equal(found, source.gather(classes, exemplars))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("augment", [False, True])
def test_stored_small_omniglot_equals_interpolation(tiny_omniglot, augment: bool, packed: bool) -> None:
    base = OmniglotSource(tiny_omniglot.folder, packed=packed)
    source = Augmented(base) if augment else base
    classes = np.arange(source.n_classes)
    small = ExampleBank(source, downsample=True).gather(classes, 1)
    assert small.shape == (source.n_classes, 28, 28, 1)
    np.testing.assert_allclose(small, downsample(ExampleBank(source).gather(classes, 1)), rtol=0, atol=2e-7)


@pytest.mark.parametrize("packed", [False, True])
def test_bank_on_a_cpu_shares_the_memory_of_omniglot(tiny_omniglot, packed: bool) -> None:
    source = OmniglotSource(tiny_omniglot.folder, packed=packed)
    bank = ExampleBank(source, device=jax.devices("cpu")[0])
    before = np.array(bank.gather(0, 0))
    stored = source.bits if packed else source.images
    stored[0, 0] ^= 1
    assert not np.array_equal(bank.gather(0, 0), before)


@pytest.mark.parametrize("size", [20, 28, 56, 105])
def test_downsampling_equals_jax_image_resize(size: int) -> None:
    images = RNG.random((2, 3, size, size, 2), dtype=np.float32)
    expected = jax.image.resize(images, (2, 3, 28, 28, 2), "linear", antialias=False)
    np.testing.assert_allclose(downsample(jnp.asarray(images)), expected, rtol=0, atol=1e-5)


def test_downsampling_is_bilinear_at_half_pixel_centres() -> None:
    row = jnp.broadcast_to(jnp.arange(56.0)[None, :, None], (56, 56, 1))
    np.testing.assert_allclose(downsample(row)[5, :, 0], np.arange(28) * 2 + 0.5)


@pytest.mark.parametrize("options", [{}, {"downsample": True}], ids=str)
@pytest.mark.parametrize("augment", [False, True])
def test_both_libraries_banks_agree(tiny_omniglot, augment: bool, options: dict) -> None:
    pytest.importorskip("torch")
    from icl_data.torch import ExampleBank as TorchBank

    array = ArraySource(RNG.integers(256, size=(6, 2, 105, 105, 3), dtype=np.uint8))
    for base in (OmniglotSource(tiny_omniglot.folder), array):
        source = Augmented(base) if augment else base
        classes, exemplars = _indices(source)
        found, expected = (bank(source, **options).gather(classes, exemplars) for bank in (ExampleBank, TorchBank))
        np.testing.assert_allclose(found, expected.numpy(), rtol=0, atol=1e-6)


def test_indices_broadcast() -> None:
    for source in (ArraySource(RNG.normal(size=(6, 2, 5))), Foreign(0.0)):
        bank = ExampleBank(source)
        assert bank.gather(np.arange(6)[:, None], np.arange(2)).shape == (6, 2, *source.example_shape)
        assert bank.gather(3, 1).shape == source.example_shape


def _batch(source):
    split = ClassSplit(source.class_keys, n_rare=3, n_common=2, n_holdout=1)
    return BatchSampler(1, split, Bursty(), batch_size=8, seed=0)(0)


@pytest.mark.parametrize(
    ("source", "noise_scale"), [(GaussianSource(6), 0.0), (Foreign(0.5), 0.0), (Foreign(0.0), 0.3), (BUILT_IN[3], 0.2)]
)
def test_noise_is_a_function_of_the_key(source, noise_scale: float) -> None:
    bank = ExampleBank(source, noise_scale=noise_scale)
    assert not bank.deterministic
    first = bank(_batch(source), key=KEY)
    np.testing.assert_array_equal(first, ExampleBank(source, noise_scale=noise_scale)(_batch(source), key=KEY))
    assert not np.array_equal(first, bank(_batch(source), key=jax.random.key(1)))


@pytest.mark.parametrize("source", [ArraySource(np.zeros((6, 1, 500)), noise_scale=0.3), Foreign(0.3)], ids=_name)
def test_noise_has_the_scales_of_source_and_bank_together(source) -> None:
    batch = _batch(source)
    bank = ExampleBank(source, noise_scale=0.4)
    noise = [bank(batch, key=key) - bank.gather(batch.class_index, 0) for key in jax.random.split(KEY, 40)]
    # At least 8,640 normal numbers: 5 % is more than 6 standard errors.
    assert float(np.std(noise)) == pytest.approx(0.5, rel=0.05)


def test_gaussian_noise_has_the_source_scale() -> None:
    source = GaussianSource(6, dim=400, noise_scale=0.5)
    batch = _batch(source)
    bank = ExampleBank(source)
    noise = bank(batch, key=KEY) - bank.gather(batch.class_index, batch.exemplar_index)
    # 28,800 normal numbers: 5 % is 6 standard errors of the variance.
    assert float(noise.var()) == pytest.approx(0.25 / 400 / 1.25, rel=0.05)


def test_noise_is_added_before_downsampling() -> None:
    source = ArraySource(np.zeros((6, 1, 105, 105)))
    found = ExampleBank(source, downsample=True, noise_scale=1.0)(_batch(source), key=KEY)
    # Averaging four neighbours with these weights shrinks the variance to (mean of (1-f)^2 + f^2)^2 = 0.43.
    weights = np.array([0.375, 0.125, 0.875, 0.625])
    expected = np.mean(weights**2 + (1 - weights) ** 2) ** 2
    assert float(found.var()) == pytest.approx(expected, rel=0.05)


def test_bank_without_noise_needs_no_key() -> None:
    bank = ExampleBank(BUILT_IN[3])
    assert bank.deterministic
    np.testing.assert_array_equal(bank(_batch(BUILT_IN[3])), bank(_batch(BUILT_IN[3]), key=KEY))


def test_noise_without_a_key_is_refused() -> None:
    source = GaussianSource(6)
    with pytest.raises(ValueError, match=r"key must be a jax\.random key where noise enters, got None"):
        ExampleBank(source)(_batch(source))


@pytest.mark.parametrize("source", [*BUILT_IN, Foreign(0.0)], ids=_name)
@pytest.mark.parametrize("outside", [-1, 10_000])
@pytest.mark.parametrize("convert", [np.array, jnp.asarray])
def test_position_that_does_not_exist_is_refused(source, outside: int, convert) -> None:
    assert_positions_outside_are_refused(ExampleBank(source), source, outside, convert)


def test_positions_outside_count_as_the_nearest_inside_in_compiled_code() -> None:
    source = ArraySource(RNG.normal(size=(6, 2, 5)))
    compiled = jax.jit(lambda bank, *where: bank.gather(*where))
    found = compiled(ExampleBank(source), np.array([-3, 9]), np.array([7, 0]))
    np.testing.assert_allclose(found, source.gather([0, 5], [1, 0]), rtol=1e-6)


def test_source_that_must_be_asked_is_refused_in_compiled_code() -> None:
    bank = ExampleBank(Foreign(0.0))
    with pytest.raises(ValueError, match=r"^under jax\.jit .* got Foreign"):
        jax.jit(lambda classes: bank.gather(classes, 0))(np.arange(3))


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
