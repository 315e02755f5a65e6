"""What a claim takes of a run, and how sure a mean over seeds is."""

import math

import pytest
from scipy import stats

from icl_eval._claims.interval import mean_with_interval
from icl_eval._claims.measures import MOMENTS, claimed_value
from icl_models import Claim

RISE_AND_FALL = [(0, 0.5), (10, 0.7), (20, 0.9), (30, 0.9), (40, 0.72), (50, 0.68), (60, 0.6)]


def value(at, curve, chance=0.5):
    return MOMENTS[at](curve, chance)


def test_the_last_value_and_the_peak_are_of_the_curve():
    assert value("last", RISE_AND_FALL) == 0.6
    assert value("peak", RISE_AND_FALL) == 0.9


def test_the_update_of_the_peak_is_the_first_that_reaches_it():
    assert value("peak_step", RISE_AND_FALL) == 20


def test_the_fall_is_from_the_peak_to_the_last_value():
    assert value("fall", RISE_AND_FALL) == pytest.approx(0.3)


def test_the_half_life_is_from_the_peak_until_half_of_what_is_above_chance_is_lost():
    assert value("half_life", RISE_AND_FALL) == 30  # .9 above chance .5: half is .7, first passed at update 50
    assert value("half_life", RISE_AND_FALL, chance=0.3) == 40


def test_what_never_falls_by_half_has_an_infinite_half_life():
    assert value("half_life", RISE_AND_FALL[:4]) == math.inf


def test_what_was_never_above_chance_has_no_half_to_lose():
    assert value("half_life", [(0, 0.48), (5, 0.45), (10, 0.44)]) == math.inf


def claim(measure, **more):
    return Claim(says="So.", measure=measure, where={}, above=0.0, **more)


def test_an_evaluation_is_measured_by_its_headline_or_by_the_metric_that_is_named(write_run):
    run = write_run("one", {0: (0.5, 0.1), 20: (0.8, 0.2)})
    assert claimed_value(claim("fewshot_holdout"), run) == 0.8
    assert claimed_value(claim("no_support_zipfian", metric="accuracy_query"), run) == 0.2
    assert claimed_value(claim("no_support_zipfian", metric="accuracy_closed"), run) is None


def test_a_training_metric_is_found_among_the_lines_of_training(write_run):
    run = write_run("one", {20: (0.8, 0.2)}, done=False)
    run.append(
        [{"split": "train", "step": step, "sequences": 0, "weight_l2": value} for step, value in ((5, 3), (9, 4))]
    )
    run.mark_done()
    assert claimed_value(claim("weight_l2"), run) == 4
    assert claimed_value(claim("weight_l3"), run) is None


@pytest.mark.parametrize("n", [2, 3, 5, 21, 22, 40])
def test_the_interval_is_students(n):
    values = [0.1 * i**1.5 for i in range(n)]
    mean, low, high = mean_with_interval(values)
    expected = stats.t.interval(0.95, n - 1, loc=sum(values) / n, scale=stats.sem(values))
    assert (mean, low, high) == pytest.approx((sum(values) / n, *expected), rel=1e-3)


def test_one_seed_tells_of_no_spread():
    assert mean_with_interval([0.3]) == (0.3, None, None)


STEP = [(step, 0.5 + 0.5 / (1 + math.exp(-(step - 510) / 50))) for step in range(0, 1001, 50)]


def test_the_onset_is_when_half_of_the_change_is_done_and_its_width_from_a_tenth_to_nine_tenths():
    assert value("onset", STEP) == pytest.approx(510, abs=1)
    assert value("width", STEP) == pytest.approx(50 * math.log(81), rel=0.02)


@pytest.mark.parametrize("at", ["onset", "width"])
def test_what_never_leaves_its_plateau_has_an_infinite_onset(at):
    assert value(at, [(step, 0.5) for step, _ in STEP]) == math.inf


@pytest.mark.parametrize(("step", "expected"), [(0, 0.5), (19, 0.5), (20, 0.8), (10**6, 0.8)])
def test_a_number_is_that_update_and_the_last_value_up_to_it(write_run, step, expected):
    run = write_run("one", {0: (0.5, 0.1), 20: (0.8, 0.2)})
    assert claimed_value(claim("fewshot_holdout", at=step), run) == expected


@pytest.mark.parametrize(("level", "expected"), [(0.6, 10), (0.7, 10), (0.9, 20), (0.95, math.inf), (0.4, math.inf)])
def test_what_is_reached_is_reached_at_the_first_update_that_has_it(write_run, level, expected):
    run = write_run("one", {0: (0.5, 0.1), 10: (0.7, 0.1), 20: (0.9, 0.1), 30: (0.7, 0.1)})
    assert claimed_value(claim("fewshot_holdout", at="reached", level=level), run) == expected


def test_a_falling_curve_reaches_a_level_from_above(write_run):
    run = write_run("one", {0: (0.5, 0.9), 10: (0.7, 0.4), 20: (0.9, 0.1)})
    found = claimed_value(claim("no_support_zipfian", metric="accuracy_query", at="reached", level=0.4), run)
    assert found == 10


def test_a_curve_that_begins_with_nothing_to_be_measured_reaches_its_level_from_where_it_is_first_measured(write_run):
    run = write_run("one", {20: (0.9, 0.1)}, training={1: {"loss": math.nan}, 5: {"loss": 0.2}, 9: {"loss": 0.95}})
    assert claimed_value(claim("loss", at="reached", level=0.9), run) == 9
