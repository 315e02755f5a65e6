"""Weighted draws follow their exact probabilities.

Each chi-square test has a fixed seed and fails below p = 1e-6: with about 25 of them in this package's tests, another
set of seeds would raise a false alarm once in 40,000.
"""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from icl_data._sampling.categorical import Categorical, repeats
from icl_data._sampling.exemplar_draws import draw_exemplars
from icl_data._sequences.orders import ranks

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
    drawn = Categorical(WEIGHTS[name]).draw_distinct(np.random.default_rng(k), k, 200_000)
    assert _p_value([tuple(row) for row in drawn.T.tolist()], _sequential(WEIGHTS[name], k)) > ALPHA


@given(st.lists(st.sampled_from([0.0, 1e-12, 0.3, 1.0, 7.0, 1e6]), min_size=2, max_size=40))
def test_alias_table_holds_exactly_the_given_probabilities(weights: list[float]) -> None:
    total = sum(weights)
    normalised = np.array(weights) / total if total else np.full(len(weights), 1 / len(weights))
    table = Categorical(normalised)
    if table.uniform:
        return
    held = table.accept + np.bincount(table.alias, weights=1 - table.accept, minlength=table.n)
    np.testing.assert_allclose(held / table.n, normalised, rtol=0, atol=1e-15)
    assert (table.accept[normalised == 0] == 0).all()
    assert (normalised[table.alias] > 0).all()


@pytest.mark.parametrize("n", [1, 2, 8, 32, 33, 60])
def test_ranks_are_places_in_the_stable_order(n: int) -> None:
    keys = np.random.default_rng(n).integers(n, size=(n, 50))
    expected = np.argsort(np.argsort(keys, axis=0, kind="stable"), axis=0)
    np.testing.assert_array_equal(ranks(keys), expected)


@pytest.mark.parametrize("name", WEIGHTS)
def test_draws_that_exclude_have_the_renormalised_probabilities(name: str) -> None:
    weights = WEIGHTS[name]
    excluded = np.tile([[4], [1]], 100_000)
    drawn = Categorical(weights).draw_excluding(np.random.default_rng(0), excluded)
    left = weights[[0, 2, 3]] / weights[[0, 2, 3]].sum()
    expected = {(position,): left[i] for i, position in enumerate([0, 2, 3])}
    assert _p_value([(value,) for value in drawn.tolist()], expected) > ALPHA


@pytest.mark.parametrize("ratio", [1e-3, 1e-10, 1e-14, 1e-18, 1e-60])
def test_what_exclusions_leave_keeps_its_proportions_however_little_it_is(ratio: float) -> None:
    weights = np.array([0.1, 0.3, 0.6, 1 / ratio]) * ratio
    drawn = Categorical(weights / weights.sum()).draw_excluding(np.random.default_rng(0), np.full((1, 5_000), 3))
    expected = {(0,): 0.1, (1,): 0.3, (2,): 0.6}
    assert _p_value([(value,) for value in drawn.tolist()], expected) > ALPHA


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=12), st.integers(0, 2**32), st.data())
def test_distinct_draws_are_distinct_and_in_range(weights: list[float], seed: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(weights)))
    normalised = np.array(weights) / np.sum(weights)
    drawn = Categorical(normalised).draw_distinct(np.random.default_rng(seed), k, 16)
    assert drawn.shape == (k, 16)
    assert (np.diff(np.sort(drawn, axis=0), axis=0) > 0).all()
    assert drawn.min() >= 0
    assert drawn.max() < len(weights)


def test_distinct_draws_survive_weights_too_small_for_the_rounding() -> None:
    weights = np.array([1.0, 1e-18, 1e-19, 1e-20])
    drawn = Categorical(weights / weights.sum()).draw_distinct(np.random.default_rng(0), 4, 50)
    np.testing.assert_array_equal(np.sort(drawn.T, axis=1), np.tile(np.arange(4), (50, 1)))


def test_repeats_marks_later_occurrences_only() -> None:
    marks = repeats(np.array([[3, 1, 3, 3], [0, 1, 2, 1]]).T)
    np.testing.assert_array_equal(marks.T, [[False, False, True, True], [False, False, False, True]])


def test_exemplars_of_a_class_are_every_arrangement_equally_often() -> None:
    groups = np.tile([[7], [7], [2], [7]], 120_000)
    drawn = draw_exemplars(np.random.default_rng(0), groups, 4)
    arrangements = [(a, b, c, d) for a, b, d in permutations(range(4), 3) for c in range(4)]
    expected = dict.fromkeys(arrangements, 1 / len(arrangements))
    assert _p_value([tuple(row) for row in drawn.T.tolist()], expected) > ALPHA


def test_exemplars_are_used_up_before_any_is_used_again() -> None:
    drawn = draw_exemplars(np.random.default_rng(0), np.zeros((7, 100), dtype=np.int64), 3)
    for row in drawn.T:
        assert sorted(row[:3]) == sorted(row[3:6]) == [0, 1, 2]
