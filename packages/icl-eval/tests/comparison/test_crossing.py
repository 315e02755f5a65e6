"""Where a threshold is passed, and what becomes of runs that never do."""

from math import inf

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from icl_eval._comparison.crossing import crossings, in_words, threshold_for
from icl_eval._comparison.difference import shift_of
from icl_eval._comparison.measured import crossing_test
from icl_eval._comparison.permutation import ways_to_divide
from icl_eval._comparison.sides import Pair

STEPS = np.array([0.0, 100.0, 200.0, 300.0])


EVERY_50 = np.arange(0, 1001, 50)


def emerging(times):
    """Curves from .5 to .95 that are above .75 from each of ``times`` on; none where that is infinite."""
    return np.array([np.where(time <= EVERY_50, 0.95, 0.5) for time in times])


def compared(ours, theirs):
    return crossing_test(Pair("eval_x/accuracy", EVERY_50, emerging(ours), emerging(theirs), 0), 0.75, seed=0)


def ways(n_first, n_second):
    return ways_to_divide(n_first, n_second, rng=np.random.default_rng(0))


def test_a_crossing_is_the_first_step_above_even_if_the_curve_falls_again():
    assert crossings(STEPS, np.array([[0.5, 0.8, 0.6, 0.9]]), 0.75).tolist() == [100.0]


def test_a_run_at_the_threshold_has_not_passed_it():
    assert crossings(STEPS, np.array([[0.5, 0.75, 0.75, 0.75]]), 0.75).tolist() == [inf]


def test_a_loss_passes_it_falling():
    assert crossings(STEPS, np.array([[3.0, 2.0, 1.0, 0.5]]), 1.5, falling=True).tolist() == [200.0]


def test_runs_that_never_pass_are_counted_in_words():
    assert in_words(np.array([4250.0, inf, 4000.0]), 5000) == "4,000 4,250 and 1 not by 5,000"
    assert in_words(np.array([inf, inf]), 5000) == "none of 2 by 5,000"


@pytest.mark.parametrize(
    ("metric", "given", "threshold"),
    [("eval_x/accuracy_closed", None, 0.75), ("train/loss", None, None), ("train/loss", 2.0, 2.0)],
)
def test_accuracies_alone_have_a_threshold_of_their_own(metric, given, threshold):
    assert threshold_for(metric, given) == threshold


def test_an_accuracy_cannot_pass_one():
    with pytest.raises(ValueError, match=r"in \[0, 1\) for accuracies .*, got 1"):
        threshold_for("eval_x/accuracy_closed", 1.0)


def test_runs_that_never_pass_tie_for_the_last_rank():
    ours, theirs = [400.0, 500.0, inf, inf], [200.0, 300.0, 350.0, inf]
    late = [1e6 if time == inf else time for time in ours]
    result = compared(ours, theirs)
    # Any number behind the last step stands for "never", as ranks do not look at sizes.
    assert result.p == compared(late, theirs).p
    assert np.isinf(result.ours).sum() == 2


def test_the_test_is_that_of_mann_and_whitney():
    ours, theirs = [400.0, 500.0, 600.0, 650.0, 700.0], [200.0, 300.0, 350.0, 450.0]
    assert compared(ours, theirs).p == pytest.approx(mannwhitneyu(ours, theirs, method="exact").pvalue)


def test_a_run_that_never_passes_is_later_than_any_that_does():
    assert compared([inf] * 4, [100.0, 200.0, 300.0, 1000.0]).p == pytest.approx(2 / 70)


def test_where_no_run_passes_there_is_nothing_to_test():
    result = compared([inf, inf], [inf, inf])
    assert (result.p, result.shift, result.detectable) == (None, None, None)


def test_where_all_pass_the_shift_is_the_median_difference_of_pairs():
    shift = shift_of(np.array([500.0, 600.0, 700.0, 800.0]), np.array([100.0, 200.0, 300.0, 400.0]), ways(4, 4))
    assert shift.estimate == 400.0
    assert (shift.low, shift.high) == (100.0, 700.0)  # U is 0 in 1 of 70 ways: the widest pairs alone bound it


def test_the_interval_of_the_shift_holds_the_truth_in_95_of_100_experiments():
    """600 experiments: 570 or more are expected, 549 or fewer by chance once in 1,000."""
    rng, six = np.random.default_rng(1), ways(6, 6)
    shifts = [shift_of(rng.normal(30.0, 10.0, 6), rng.normal(0.0, 10.0, 6), six) for _ in range(600)]
    assert sum(shift.low <= 30.0 <= shift.high for shift in shifts) > 549


def test_a_run_that_never_passes_leaves_the_shift_open_above():
    shift = shift_of(np.array([500.0, 600.0, 700.0, inf]), np.array([100.0, 200.0, 300.0, 400.0]), ways(4, 4))
    assert (shift.estimate, shift.low, shift.high) == (400.0, 100.0, inf)


def test_where_most_pairs_have_a_run_that_never_passes_there_is_no_estimate():
    assert shift_of(np.array([500.0, inf, inf]), np.array([100.0, 200.0, 300.0]), ways(3, 3)).estimate is None


def test_two_runs_that_never_pass_leave_the_shift_open_on_both_sides():
    shift = shift_of(np.array([500.0, 600.0, 700.0, inf]), np.array([100.0, 200.0, 300.0, inf]), ways(4, 4))
    assert (shift.low, shift.high) == (-inf, inf)


def test_so_few_runs_have_no_interval():
    shift = shift_of(np.array([5.0, 6.0, 7.0]), np.array([1.0, 2.0, 3.0]), ways(3, 3))
    assert (shift.estimate, shift.low, shift.high) == (4.0, None, None)


def test_a_delay_is_found_with_enough_runs_and_not_with_three():
    rng = np.random.default_rng(0)
    early, late = rng.normal(400.0, 60.0, 8), rng.normal(550.0, 60.0, 8)
    assert compared(late, early).p < 0.01
    assert compared(late[:3], early[:3]).smallest_p >= 0.05
