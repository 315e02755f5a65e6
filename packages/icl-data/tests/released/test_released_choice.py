"""Shortcuts past NumPy's and Python's own choices draw what those draw, and leave the streams where they leave them."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from icl_data._released.choice import ReleasedChoice
from icl_data._released.draws import _below

SEEDS = st.integers(0, 2**32 - 1)
WEIGHTS = st.lists(st.integers(1, 1000), min_size=2, max_size=40) | st.integers(2, 40).map(lambda n: [1] * n)


def _shares(weights: list[int]) -> np.ndarray:
    return np.array(weights) / sum(weights)


@given(SEEDS, WEIGHTS, st.integers(1, 30))
def test_draws_with_replacement_equal_numpys_choice(seed: int, weights: list[int], n: int) -> None:
    expected = np.random.RandomState(seed)
    drawn = expected.choice(len(weights), size=n, p=_shares(weights))
    for draw in (ReleasedChoice.few, ReleasedChoice.many):
        stream = np.random.RandomState(seed)
        np.testing.assert_array_equal(draw(ReleasedChoice(_shares(weights), stream), n), drawn)
        assert stream.get_state()[2] == expected.get_state()[2]


@given(SEEDS, WEIGHTS, st.integers(1, 30), st.data())
def test_draws_that_leave_one_out_equal_numpys_choice_among_the_others(
    seed: int, weights: list[int], n: int, data: st.DataObject
) -> None:
    shares, excluded = _shares(weights), data.draw(st.integers(0, len(weights) - 1))
    others = np.delete(shares, excluded)
    expected = np.random.RandomState(seed).choice(
        np.delete(range(len(weights)), excluded), size=n, p=others / others.sum()
    )
    found = ReleasedChoice(shares, np.random.RandomState(seed)).many_but(excluded, n)
    np.testing.assert_array_equal(found, expected)


@given(SEEDS, st.integers(1, 100))
def test_uniform_integers_equal_pythons_choice(seed: int, n: int) -> None:
    ours, theirs = random.Random(seed), random.Random(seed)
    assert [_below(ours, n) for _ in range(20)] == [theirs.choice(range(n)) for _ in range(20)]
    assert ours.getstate() == theirs.getstate()
