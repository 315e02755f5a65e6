"""Weighted draws follow their exact probabilities.

Each chi-square test has a fixed seed and fails below p = 1e-6: with about 20 of them in this package's tests, another
set of seeds would raise a false alarm once in 50,000.
"""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from icl_data._categorical import Categorical, repeats
from icl_data._exemplar_draws import draw_exemplars

ALPHA = 1e-6
WEIGHTS = {
    "uniform": np.full(5, 0.2),
    "mild": np.array([1, 2, 3, 4, 5]) / 15,
    "steep": np.array([1, 4, 30, 200, 2000]) / 2235,
}


def _p_value(found: list[tuple[int, ...]], expected: dict[tuple[int, ...], float]) -> float:
    counts = Counter(found)
    assert set(counts) <= set(expected)
    likely = [outcome for outcome in expected if expected[outcome] * len(found) >= 5]
    observed = [counts[outcome] for outcome in likely]
    wanted = [expected[outcome] * len(found) for outcome in likely]
    if len(likely) < len(expected):
        observed.append(len(found) - sum(observed))
        wanted.append(len(found) - sum(wanted))
    return chisquare(observed, wanted).pvalue


def _sequential(weights: np.ndarray, k: int) -> dict[tuple[int, ...], float]:
    """Probability of every ordered draw without replacement."""
    found = {}
    for outcome in permutations(range(len(weights)), k):
        probability, left = 1.0, 1.0
        for position in outcome:
            probability *= weights[position] / left
            left -= weights[position]
        found[outcome] = probability
    return found


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_distinct_draws_have_the_probabilities_of_sequential_sampling(name: str, k: int) -> None:
    drawn = Categorical(WEIGHTS[name]).draw_distinct(np.random.default_rng(k), 200_000, k)
    assert _p_value([tuple(row) for row in drawn.tolist()], _sequential(WEIGHTS[name], k)) > ALPHA


@pytest.mark.parametrize("name", WEIGHTS)
def test_draws_that_exclude_have_the_renormalised_probabilities(name: str) -> None:
    weights = WEIGHTS[name]
    excluded = np.tile([4, 1], (100_000, 1))
    drawn = Categorical(weights).draw_excluding(np.random.default_rng(0), excluded)
    left = weights[[0, 2, 3]] / weights[[0, 2, 3]].sum()
    expected = {(position,): left[i] for i, position in enumerate([0, 2, 3])}
    assert _p_value([(value,) for value in drawn.tolist()], expected) > ALPHA


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=12), st.integers(0, 2**32), st.data())
def test_distinct_draws_are_distinct_and_in_range(weights: list[float], seed: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(weights)))
    normalised = np.array(weights) / np.sum(weights)
    drawn = Categorical(normalised).draw_distinct(np.random.default_rng(seed), 16, k)
    assert drawn.shape == (16, k)
    assert (np.sort(drawn, axis=1)[:, 1:] > np.sort(drawn, axis=1)[:, :-1]).all()
    assert drawn.min() >= 0
    assert drawn.max() < len(weights)


def test_distinct_draws_survive_weights_too_small_for_the_rounding() -> None:
    weights = np.array([1.0, 1e-18, 1e-19, 1e-20])
    drawn = Categorical(weights / weights.sum()).draw_distinct(np.random.default_rng(0), 50, 4)
    np.testing.assert_array_equal(np.sort(drawn, axis=1), np.tile(np.arange(4), (50, 1)))


def test_repeats_marks_later_occurrences_only() -> None:
    marks = repeats(np.array([[3, 1, 3, 3], [0, 1, 2, 1]]))
    np.testing.assert_array_equal(marks, [[False, False, True, True], [False, False, False, True]])


def test_exemplars_of_a_class_are_every_arrangement_equally_often() -> None:
    groups = np.tile([7, 7, 2, 7], (120_000, 1))
    drawn = draw_exemplars(np.random.default_rng(0), groups, 4)
    arrangements = [(a, b, c, d) for a, b, d in permutations(range(4), 3) for c in range(4)]
    expected = dict.fromkeys(arrangements, 1 / len(arrangements))
    assert _p_value([tuple(row) for row in drawn.tolist()], expected) > ALPHA


def test_exemplars_are_used_up_before_any_is_used_again() -> None:
    drawn = draw_exemplars(np.random.default_rng(0), np.zeros((100, 7), dtype=np.int64), 3)
    for row in drawn:
        assert sorted(row[:3]) == sorted(row[3:6]) == [0, 1, 2]
