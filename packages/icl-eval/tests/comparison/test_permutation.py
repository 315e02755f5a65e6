"""The permutation test: equal to SciPy's, no more false alarms than it claims, and honest about what it can reach."""

import numpy as np
import pytest
from scipy.stats import permutation_test, rankdata

from icl_eval._comparison.permutation import fewest_that_can, permutation_p, smallest_p, ways_to_divide


def rng():
    return np.random.default_rng(0)


def mean_difference(first, second, axis):
    return first.mean(axis) - second.mean(axis)


def scipy_p(values, n_first, **more):
    data = (values[:n_first], values[n_first:])
    return permutation_test(data, mean_difference, vectorized=True, n_resamples=np.inf, **more).pvalue


@pytest.mark.parametrize(("n_first", "n_second"), [(2, 2), (2, 6), (3, 3), (6, 3), (4, 6), (6, 6)])
def test_counting_all_ways_gives_what_scipy_gives(n_first, n_second):
    ways = ways_to_divide(n_first, n_second, rng=rng())
    for values in rng().normal(size=(8, n_first + n_second)):
        assert permutation_p(values, n_first, ways) == pytest.approx(scipy_p(values, n_first), abs=1e-12)


def test_tied_ranks_give_what_scipy_gives():
    ways = ways_to_divide(5, 4, rng=rng())
    for values in rng().integers(0, 3, size=(10, 9)):
        ranks = rankdata(values)
        assert permutation_p(ranks, 5, ways) == pytest.approx(scipy_p(ranks, 5), abs=1e-12)


def test_of_too_many_ways_a_sample_comes_near_the_whole():
    values = rng().normal(size=12) + np.repeat([1.2, 0.0], 6)
    every, some = ways_to_divide(6, 6, rng=rng()), ways_to_divide(6, 6, rng=rng(), most=900)
    assert every.exact
    assert not some.exact
    # 900 draws: three standard errors of a p near .1, doubled as the tail is
    assert permutation_p(values, 6, some) == pytest.approx(permutation_p(values, 6, every), abs=0.07)


def test_a_sample_never_gives_a_p_of_zero():
    some = ways_to_divide(8, 8, rng=rng(), most=500)
    assert permutation_p(np.repeat([100.0, 0.0], 8) + rng().normal(size=16), 8, some) == pytest.approx(2 / 501)
    assert some.smallest_p() == pytest.approx(2 / 501)


@pytest.mark.parametrize(("n_first", "n_second"), [(3, 3), (4, 4), (6, 3), (5, 1)])
def test_the_smallest_p_is_reached_by_groups_that_do_not_overlap(n_first, n_second):
    values = np.arange(n_first + n_second, dtype=float)
    ways = ways_to_divide(n_first, n_second, rng=rng())
    assert permutation_p(values, n_first, ways) == pytest.approx(smallest_p(n_first, n_second))


def test_runs_that_are_all_alike_differ_in_nothing():
    assert permutation_p(np.full(7, 0.1), 3, ways_to_divide(3, 4, rng=rng())) == 1.0


@pytest.mark.parametrize(("n_other", "fewest"), [(1, 40), (2, 8), (3, 5), (4, 4), (10, 2)])
def test_the_fewest_runs_that_can_reach_a_level_are_one_more_than_cannot(n_other, fewest):
    assert fewest_that_can(n_other, level=0.05) == fewest
    assert smallest_p(fewest, n_other) < 0.05 <= smallest_p(fewest - 1, n_other)


@pytest.mark.parametrize("draw", ["normal", "standard_cauchy", "ties"])
def test_twins_are_told_apart_no_more_often_than_one_time_in_twenty(draw):
    """1,000 pairs of 5 runs that differ in nothing: at most 50 with p < .05 are expected, by chance once in 1,000 above
    72."""
    shape = (10, 1000)
    values = rng().integers(0, 4, shape) if draw == "ties" else getattr(rng(), draw)(size=shape)
    ways = ways_to_divide(5, 5, rng=rng())
    assert np.count_nonzero(permutation_p(values, 5, ways) < 0.05) <= 72
