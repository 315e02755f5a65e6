"""Sources keep the protocol."""

from __future__ import annotations

import numpy as np
import pytest

from icl_data import ArraySource, Augmented, GaussianSource, OmniglotSource, SeqGenerator, SymbolicSource

RNG = np.random.default_rng(0)


def test_gaussian_class_does_not_depend_on_the_number_of_classes() -> None:
    few, many = GaussianSource(100), GaussianSource(8000)
    np.testing.assert_array_equal(few.means, many.means[:100])


def test_gaussian_examples_have_the_stated_moments() -> None:
    source = GaussianSource(2000, dim=63, noise_scale=0.5, seed=1)
    classes = np.arange(2000)
    noise = np.random.default_rng(0).standard_normal((2000, 63))
    clean, noisy = source.gather(classes, 0 * classes), source.gather(classes, 0 * classes, noise)
    # 126,000 numbers each: 2 % is more than 5 standard errors of a variance (0.4 %).
    assert source.means.var() == pytest.approx(1 / 63, rel=0.02)
    assert noisy.var() == pytest.approx(1 / 63, rel=0.02)
    assert (noisy - clean).var() == pytest.approx(0.25 / 63 / 1.25, rel=0.02)


def test_gaussian_seed_changes_the_classes() -> None:
    assert (GaussianSource(3, seed=0).means != GaussianSource(3, seed=1).means).all()


def test_byte_images_become_shares_of_255() -> None:
    source = ArraySource(np.array([[[[0, 51], [102, 255]]]], dtype=np.uint8))
    np.testing.assert_allclose(source.gather(0, 0)[..., 0], [[0, 0.2], [0.4, 1]], rtol=1e-6)


@pytest.mark.parametrize(
    ("array", "options", "message"),
    [
        (np.zeros(3), {}, "must have shape"),
        (np.zeros((3, 0)), {}, "no axis empty"),
        (np.zeros((3, 2)), {}, "non-negative integers"),
        (np.full((3, 2), -1), {}, "non-negative integers"),
        (np.full((3, 2, 4), np.nan), {}, "finite"),
        (np.full((3, 2, 4, 4), 1.5), {}, r"in \[0, 1\]"),
        (np.zeros((3, 2, 4)), {"kind": "image"}, "does not fit"),
        (np.zeros((3, 2, 4)), {"kind": "sound"}, "id, vector, image, got 'sound'"),
        (np.zeros((3, 2), dtype=int), {"noise_scale": 0.1}, "0 for ids"),
        (np.full((3, 2), 2**40), {}, "integers of 32 bits, got int64 from 1099511627776"),
        (np.zeros((3, 2, 4)), {"noise_scale": float("nan")}, "noise_scale must be >= 0"),
        (np.zeros((3, 2, 4)), {"noise_scale": float("inf")}, "noise_scale must be >= 0"),
        (np.zeros((1, 1, 2, 2, 2, 2)), {}, r"\(H, W\) or \(H, W, C\)"),
    ],
)
def test_array_that_is_no_source_is_refused(array: np.ndarray, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ArraySource(array, **options)


@pytest.mark.parametrize("make", [lambda: SymbolicSource(0), lambda: GaussianSource(0), lambda: GaussianSource(3, 0)])
def test_source_without_classes_or_dimensions_is_refused(make) -> None:
    with pytest.raises(ValueError, match="at least 1, got"):
        make()


@pytest.mark.parametrize("noise_scale", [-0.1, float("nan"), float("inf")])
def test_noise_that_is_no_number_is_refused(noise_scale: float) -> None:
    with pytest.raises(ValueError, match="noise_scale must be >= 0"):
        GaussianSource(3, noise_scale=noise_scale)
    with pytest.raises(ValueError, match="noise_scale must be >= 0"):
        SeqGenerator(SymbolicSource(3), 2, 1, noise_scale=noise_scale, seed=0)


def test_augmented_needs_square_images() -> None:
    with pytest.raises(ValueError, match=r"square images, got kind 'image' with example shape \(2, 3, 1\)"):
        Augmented(ArraySource(np.zeros((1, 1, 2, 3))))
    with pytest.raises(ValueError, match="got kind 'id'"):
        Augmented(SymbolicSource(3))


def test_eight_transforms_are_flip_first_then_quarter_turns_to_the_left() -> None:
    image = RNG.random((5, 5)).astype(np.float32)
    source = Augmented(ArraySource(image[None, None]))
    expected = [np.rot90(start, turns) for start in (image, np.fliplr(image)) for turns in range(4)]
    np.testing.assert_array_equal(source.gather(np.arange(8), np.zeros(8, dtype=int))[..., 0], expected)


def test_augmentation_follows_the_read_order_of_omniglot(tiny_omniglot) -> None:
    base = OmniglotSource(tiny_omniglot.folder)
    augmented = Augmented(base)
    zeros = np.zeros(5, dtype=int)
    np.testing.assert_array_equal(augmented.gather(np.arange(0, 40, 8), zeros), base.gather(base.read_order, zeros))


def test_augmentation_follows_the_class_keys_of_an_omniglot_cut_short_as_released(tiny_omniglot) -> None:
    base = OmniglotSource(tiny_omniglot.folder, n_to_keep=4)
    np.testing.assert_array_equal(Augmented(base).base_order, np.arange(4))


def test_new_gaussian_classes_are_looked_up_beside_the_sources_own() -> None:
    source = GaussianSource(5, dim=3, noise_scale=0.75)
    new = source.new_means(np.arange(6.0).reshape(2, 3))
    found = source.gather([[0, 5], [6, 4]], 0, new=new)
    np.testing.assert_allclose(found[[0, 1], [0, 1]], source.gather([0, 4], 0))
    np.testing.assert_allclose(found[[0, 1], [1, 0]], np.arange(6.0).reshape(2, 3) / 3**0.5 / 1.25, rtol=1e-6)
    assert found.dtype == np.float32
    with pytest.raises(IndexError):
        source.gather(5, 0)


def test_fixed_exemplars_are_spread_as_new_examples_are_and_shown_again():
    source = GaussianSource(2000, dim=32, noise_scale=0.5, seed=3)
    fixed = source.with_exemplars(5)
    assert isinstance(fixed, ArraySource)
    assert (fixed.n_classes, fixed.n_exemplars, fixed.example_shape) == (2000, 5, (32,))
    around = fixed.array * np.sqrt(1.25) - source.means[:, None]  # eps * eta
    assert np.sum(around**2, -1).mean() == pytest.approx(0.25, rel=0.01)
    assert np.sum(around[:, 0] * around[:, 1], -1).mean() == pytest.approx(0, abs=0.005)
    assert np.sum(around * source.means[:, None], -1).mean() == pytest.approx(0, abs=0.005)
    assert np.array_equal(fixed.gather([7], [2]), fixed.gather([7], [2]))


def test_fixed_exemplars_do_not_hang_on_the_number_of_classes_and_keep_their_direction_under_other_noise():
    few, many = (GaussianSource(n, dim=8, noise_scale=0.5).with_exemplars(3).array for n in (10, 50))
    assert np.array_equal(few, many[:10])
    means = GaussianSource(10, dim=8).means[:, None]
    twice = GaussianSource(10, dim=8, noise_scale=1.0).with_exemplars(3).array
    assert twice * np.sqrt(2) - means == pytest.approx(2 * (few * np.sqrt(1.25) - means), abs=1e-5)


def test_no_exemplars_are_refused():
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        GaussianSource(3).with_exemplars(0)
