"""What so few runs would notice: simulated, and held against fresh experiments."""

import numpy as np
import pytest

from icl_eval._comparison.permutation import permutation_p, ways_to_divide
from icl_eval._comparison.power import detectable_difference, detectable_shift, pooled_spread

STEPS = np.arange(0, 5001, 250, dtype=float)


def test_the_difference_that_is_named_is_found_in_80_of_100_fresh_experiments():
    difference = detectable_difference(6, 6, 0.03, seed=0)
    rng = np.random.default_rng(99)
    values = rng.normal(scale=0.03, size=(12, 2000)) + np.repeat([difference, 0.0], 6)[:, None]
    found = (permutation_p(values, 6, ways_to_divide(6, 6, rng=rng)) < 0.05).mean()
    assert found == pytest.approx(0.8, abs=0.05)  # standard errors: .013 of the simulation, .009 of this one


def test_more_runs_notice_less():
    sizes = [(4, 4), (6, 6), (12, 12)]
    assert sorted([detectable_difference(*n, 1.0, seed=0) for n in sizes], reverse=True) == [
        detectable_difference(*n, 1.0, seed=0) for n in sizes
    ]


def test_the_difference_grows_with_the_spread():
    assert detectable_difference(5, 5, 2.0, seed=0) == pytest.approx(2 * detectable_difference(5, 5, 1.0, seed=0))


@pytest.mark.parametrize(("n_first", "n_second"), [(3, 3), (1, 6), (2, 5)])
def test_runs_too_few_for_the_level_notice_nothing(n_first, n_second):
    assert detectable_difference(n_first, n_second, 1.0, seed=0) is None
    assert detectable_shift(n_first, n_second, 300.0, earlier=2000.0, steps=STEPS, seed=0) is None


def test_a_delay_is_noticed_as_late_as_a_difference_of_that_spread_and_a_step():
    difference = detectable_difference(6, 6, 400.0, seed=0)
    delay = detectable_shift(6, 6, 400.0, earlier=2000.0, steps=STEPS, seed=0)
    assert difference - 50 < delay < difference + 250


def test_a_delay_that_most_runs_would_not_live_to_show_is_none():
    assert detectable_shift(6, 6, 400.0, earlier=6000.0, steps=STEPS, seed=0) is None


def test_a_simulation_is_repeated_by_its_seed():
    assert detectable_difference(5, 5, 1.0, seed=3) == detectable_difference(5, 5, 1.0, seed=3)


def test_the_spread_is_within_groups():
    assert pooled_spread([0.0, 2.0], [10.0, 12.0]) == pytest.approx(np.sqrt(2))


def test_single_runs_have_no_spread():
    assert pooled_spread([1.0], [2.0]) is None
