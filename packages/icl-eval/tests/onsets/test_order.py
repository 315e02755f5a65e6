"""Curves in the order in which they changed, and whether the order can be told."""

import numpy as np
import pytest

from icl_eval import fit_onset, order_of_onsets

STEPS = np.arange(0, 5001, 50)


def onset(time, scale=100, size=0.02, seed=0):
    curve = 1 / (1 + np.exp(-(STEPS - time) / scale))
    return fit_onset(STEPS, curve + np.random.default_rng(seed).normal(0, size, len(STEPS)))


def test_the_earlier_curve_comes_first_and_one_without_an_onset_last():
    frame = order_of_onsets({"loss": onset(3000), "flat": None, "previous token": onset(1000)})
    assert list(frame["curve"]) == ["previous token", "loss", "flat"]
    assert frame["later_by"][1] == pytest.approx(2000, abs=40)
    assert frame["later_low"][1] < 2000 < frame["later_high"][1]
    assert list(frame["told_apart"].fillna(False)) == [False, True, False]
    assert np.isnan(frame["time"][2])


def test_curves_that_changed_together_cannot_be_told_apart():
    frame = order_of_onsets({"one": onset(2010, seed=1), "other": onset(2020, seed=2)})
    assert frame["told_apart"][1] is np.False_ or not frame["told_apart"][1]
    assert frame["later_low"][1] <= 0


def test_of_nothing_there_is_an_empty_table():
    assert len(order_of_onsets({})) == 0
