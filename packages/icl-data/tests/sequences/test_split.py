"""The division of classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icl_data import ClassSplit


@st.composite
def splits(draw) -> ClassSplit:
    rare, common, holdout, spare = (draw(st.integers(0, 30)) for _ in range(4))
    spare += rare + common + holdout == 0
    return ClassSplit(
        rare + common + holdout + spare,
        n_rare=rare,
        n_common=common,
        n_holdout=holdout,
        zipf_exponent=draw(st.floats(0, 3)),
        seed=draw(st.integers(0, 2**31)),
    )


@given(splits())
def test_types_are_disjoint_and_have_their_sizes(split: ClassSplit) -> None:
    assert (len(split.rare), len(split.common), len(split.holdout)) == (split.n_rare, split.n_common, split.n_holdout)
    drawn = np.concatenate([split.rare, split.common, split.holdout])
    assert len(set(drawn.tolist())) == len(drawn)
    assert set(drawn.tolist()) <= set(range(split.n_classes))


@given(splits())
def test_weights_of_every_type_add_up_to_one(split: ClassSplit) -> None:
    for class_type in ("rare", "common", "zipfian", "holdout"):
        weights = split.weights(class_type)
        assert len(weights) == len(split.classes(class_type))
        if len(weights):
            assert weights.sum() == pytest.approx(1)


def test_last_common_class_is_the_most_frequent() -> None:
    split = ClassSplit(5, n_rare=2, n_common=2, zipf_exponent=1.0)
    np.testing.assert_allclose(split.zipf_weights, np.array([1 / 4, 1 / 3, 1 / 2, 1]) / (25 / 12))


def test_zipf_slices_are_renormalised_without_touching_the_shared_weights() -> None:
    split = ClassSplit(5, n_rare=2, n_common=2, zipf_exponent=1.0, use_zipf_for_common_rare=True)
    before = split.weights("zipfian").copy()
    np.testing.assert_allclose(split.weights("rare"), [3 / 7, 4 / 7])
    np.testing.assert_allclose(split.weights("common"), [1 / 3, 2 / 3])
    np.testing.assert_array_equal(split.weights("zipfian"), before)


def test_holdout_does_not_depend_on_how_many_classes_are_trained() -> None:
    few = ClassSplit(100, n_rare=10, n_common=5, n_holdout=10)
    many = ClassSplit(100, n_rare=80, n_common=10, n_holdout=10)
    np.testing.assert_array_equal(few.holdout, many.holdout)
    np.testing.assert_array_equal(few.rare, many.rare[:10])


def test_preserved_blocks_stay_whole() -> None:
    split = ClassSplit(80, n_rare=40, n_common=16, n_holdout=16, preserve_ordering_every_n=8)
    for group in (split.rare, split.common, split.holdout):
        blocks = group.reshape(-1, 8)
        np.testing.assert_array_equal(blocks, blocks[:, :1] // 8 * 8 + np.arange(8))


def test_too_many_classes_are_refused_with_the_four_numbers() -> None:
    with pytest.raises(ValueError, match="n_rare=8, n_common=2, n_holdout=1, n_classes=10"):
        ClassSplit(10, n_rare=8, n_common=2, n_holdout=1)


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"n_rare": -1, "n_common": 2}, "must be >= 0"),
        ({"n_rare": 1, "n_common": 2, "preserve_ordering_every_n": 3}, "must divide the number of classes 10"),
        ({"n_rare": 1, "n_common": 2, "preserve_ordering_every_n": 0}, "must divide"),
        ({"n_rare": 1, "n_common": 2, "zipf_exponent": float("nan")}, "finite"),
        ({"n_rare": 1, "n_common": 2, "zipf_exponent": 10**400}, "finite"),
        ({"n_rare": 8, "n_common": 2, "zipf_exponent": 10**20}, "zipf_exponent must leave every frequency a float"),
        ({"n_rare": 8, "n_common": 2, "zipf_exponent": 400.0}, "zipf_exponent must leave .* got 400.0 for 10 classes"),
        ({"n_rare": 8, "n_common": 2, "zipf_exponent": -400.0}, "zipf_exponent must leave .* got -400.0"),
        ({"n_rare": 8, "n_common": 2, "zipf_exponent": np.float64(400)}, "zipf_exponent must leave .* got 400.0"),
        ({"n_rare": 8, "n_common": 2, "zipf_exponent": -308.0}, "zipf_exponent must leave .* got -308.0"),
        ({"n_rare": 8, "n_common": 2, "zipf_exponent": "1"}, "zipf_exponent must be a finite number, got '1'"),
        ({"n_rare": 8, "n_common": 2, "seed": None}, "seed must be an integer, got None"),
        ({"n_rare": 8, "n_common": 2, "seed": -1}, "seed must be >= 0, got -1"),
        ({"n_rare": 8, "n_common": 2, "preserve_ordering_every_n": 2.0}, r"every_n must be an integer, got 2\.0"),
        ({"n_rare": 8.0, "n_common": 2}, r"n_rare must be an integer, got 8\.0"),
    ],
)
def test_impossible_splits_are_refused(arguments: dict, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        ClassSplit(10, **arguments)


@pytest.mark.parametrize("keys", [[], [3, 2], [1, 1], [[1, 2]]])
def test_keys_that_do_not_ascend_are_refused(keys: list) -> None:
    with pytest.raises(ValueError, match="ascending"):
        ClassSplit(keys, n_rare=0, n_common=0)


def test_keys_that_are_no_integers_are_refused() -> None:
    with pytest.raises(ValueError, match="class keys must be integers, got float64"):
        ClassSplit([0.5, 1.5], n_rare=1, n_common=1)


def test_unknown_class_type_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(ValueError, match="rare, common, zipfian, holdout, got 'frequent'"):
        ClassSplit(10, n_rare=1, n_common=1).classes("frequent")


def test_classes_cannot_be_changed() -> None:
    split = ClassSplit(10, n_rare=5, n_common=1)
    with pytest.raises(ValueError, match="read-only"):
        split.rare[0] = 3
    with pytest.raises(AttributeError):
        split.n_rare = 3
