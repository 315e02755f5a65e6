"""Hyper-parameters drawn from ranges."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_models import Range
from icl_train import smoke
from icl_train._by_name.settings import settings_of
from icl_train._plans.draws import check_range, drawn

TABLE = settings_of(smoke())
RATE, LAYERS, MODEL = "optim.max_lr", "model.num_layers", "model.sequence_model"
ENDS = st.tuples(st.floats(1e-8, 1e6), st.floats(1.0001, 1e4)).map(lambda both: (both[0], both[0] * both[1]))
A_FEW = settings(max_examples=40, deadline=None)


def draws(setting, count=20, *, seed=0, **values):
    wanted = Range(setting=setting, **values)
    check_range(wanted, TABLE[setting])
    return drawn(wanted, TABLE[setting], count, seed=seed)


@A_FEW
@given(ENDS, st.booleans(), st.integers(0, 2**32))
def test_numbers_lie_within_the_range(ends, log, seed):
    low, high = ends
    assert all(low <= value <= high for value in draws(RATE, low=low, high=high, log=log, seed=seed))


@A_FEW
@given(st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_whole_numbers_are_drawn_for_a_setting_that_can_be_no_other(low, more, log):
    values = draws(LAYERS, low=low, high=low + more, log=log)
    assert all(isinstance(value, int) and low <= value <= low + more for value in values)


@pytest.mark.parametrize("log", [False, True])
def test_both_ends_of_a_range_of_whole_numbers_are_drawn(log):
    assert set(draws(LAYERS, 200, low=1, high=4, log=log)) == {1, 2, 3, 4}


def test_the_same_seed_draws_the_same_and_another_others():
    first, again, other = (draws(RATE, low=0, high=1, seed=seed) for seed in (5, 5, 6))
    assert first == again
    assert first != other


def test_more_draws_begin_with_the_same():
    assert draws(RATE, 30, low=0, high=1)[:10] == draws(RATE, 10, low=0, high=1)


def test_two_settings_are_drawn_apart():
    assert draws(RATE, low=1, high=10_000) != draws("optim.eps", low=1, high=10_000)


def test_a_range_in_the_logarithm_has_as_many_draws_in_each_decade():
    # Of 4,000 draws 2,000 are expected below the middle, with a standard deviation of 32: five of them are 158.
    values = draws(RATE, 4000, low=1e-4, high=1e-2, log=True)
    assert abs(sum(value < 1e-3 for value in values) - 2000) < 158


def test_a_range_without_it_has_as_many_in_each_part():
    values = draws(RATE, 4000, low=0, high=1)
    assert abs(sum(value < 0.5 for value in values) - 2000) < 158


def test_drawn_numbers_have_few_digits_of_what_matters():
    for value in draws(RATE, low=1e-4, high=1e-2, log=True):
        assert float(f"{value:.4g}") == value
    for value in draws(RATE, low=0.999, high=0.9999):
        assert len(str(value)) <= len("0.9990001")


def test_a_narrow_range_is_not_rounded_to_its_ends():
    assert len(set(draws("optim.b2", 20, low=0.99999, high=0.999999))) > 15


def test_choices_are_all_drawn():
    assert set(draws(MODEL, 100, choices=("transformer", "lstm"))) == {"transformer", "lstm"}


@pytest.mark.parametrize(
    ("setting", "values", "message"),
    [
        (RATE, {"low": 1, "high": 1}, "from a number to a larger one, got 1 to 1"),
        (RATE, {"low": 0, "high": math.inf}, "from a number to a larger one, got 0 to inf"),
        (RATE, {"low": math.nan, "high": 1}, "from a number to a larger one"),
        (RATE, {"low": 0, "high": 1, "log": True}, "above 0 to be drawn from in the logarithm, got 0"),
        (RATE, {"low": 0}, "two ends or choices"),
        (RATE, {"low": 0, "high": 1, "choices": (1,)}, "not from both"),
        (MODEL, {"low": 0, "high": 1}, "a setting that is a number, got model.sequence_model"),
        (LAYERS, {"low": 1.5, "high": 3}, "whole numbers as ends, got 1.5 to 3"),
    ],
)
def test_a_range_that_is_none_is_refused(setting, values, message):
    with pytest.raises(ValueError) as caught:
        draws(setting, **values)
    assert message in str(caught.value)
