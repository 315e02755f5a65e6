"""Curves drawn as runs draw them, ICL emerging at an update of each seed's own: twins agree, a delay is found."""

import numpy as np
import pytest

from icl_eval._comparison import measured
from icl_eval._comparison.measured import area_test, crossing_test
from icl_eval._comparison.sides import Pair

STEPS = np.arange(0, 5001, 250)


def curves(rng, n, *, mean, spread=400.0):
    """n runs: .5 until ICL emerges at a normal time, then .98, measured on 2,048 sequences."""
    times = rng.normal(mean, spread, (n, 1))
    truth = 0.5 + 0.48 / (1 + np.exp(-(STEPS - times) / 120))
    return rng.binomial(2048, truth) / 2048


def p_values(rng, n, *, delay):
    """p of the area and of the crossing."""
    pair = Pair("eval_x/accuracy", STEPS, curves(rng, n, mean=4000 + delay), curves(rng, n, mean=4000), 0)
    return area_test(pair, seed=0).p, crossing_test(pair, 0.75, seed=0).p


@pytest.fixture
def without_power(monkeypatch):
    """Leaves out the simulations of what would be found, which take most of the time."""
    for name in ("detectable_difference", "detectable_shift"):
        monkeypatch.setattr(measured, name, lambda *arguments, **keywords: None)


def test_twins_are_told_apart_one_time_in_twenty_at_most(without_power):
    """400 pairs of 5 runs, some of them never passing: at most 20 with p < .05 are expected of each test, above 35 by
    chance once in 1,000."""
    rng = np.random.default_rng(0)
    found = np.array([p_values(rng, 5, delay=0) for _ in range(400)]) < 0.05
    assert found.sum(0).max() <= 35


def test_a_delay_of_700_updates_is_found_with_eight_seeds_and_missed_with_three(without_power):
    """Of 100 experiments with eight seeds 80 or more find it by either test; with three none can."""
    rng = np.random.default_rng(0)
    eight = np.array([p_values(rng, 8, delay=700) for _ in range(100)]) < 0.05
    three = np.array([p_values(rng, 3, delay=700) for _ in range(100)]) < 0.05
    assert eight.sum(0).min() >= 80
    assert three.sum() == 0
