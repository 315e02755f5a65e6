"""The logistic fit finds the step that made a curve, says how sure it is, and finds none where there is none."""

import numpy as np
import pytest

from icl_eval import fit_onset

STEPS = np.arange(0, 5001, 50)


def step(time, scale, before, after, steps=STEPS):
    return before + (after - before) / (1 + np.exp(-(steps - time) / scale))


def noise(seed, size=0.02):
    return np.random.default_rng(seed).normal(0, size, len(STEPS))


@pytest.mark.parametrize(("before", "after"), [(0.69, 0.05), (0.5, 1.0)], ids=["falls", "rises"])
def test_without_noise_the_step_itself_is_found(before, after):
    found = fit_onset(STEPS, step(2010, 120, before, after))
    assert found.time == pytest.approx(2010, abs=0.1)
    assert found.width == pytest.approx(120 * np.log(81), rel=1e-3)
    assert found.plateau == pytest.approx(2010 - 120 * np.log(9), rel=1e-3)
    assert (found.before, found.after) == pytest.approx((before, after), abs=1e-4)
    assert found.slope == pytest.approx((after - before) / 4 / 120, rel=1e-3)
    assert found.left < 1e-6


@pytest.mark.parametrize("alike", [0.0, 0.7])
def test_the_interval_covers_the_time_as_often_as_it_says(alike):
    covered = 0
    for seed in range(200):
        errors = noise(seed, 0.03)
        for place in range(1, len(errors)):
            errors[place] = alike * errors[place - 1] + np.sqrt(1 - alike**2) * errors[place]
        found = fit_onset(STEPS, step(2010, 300, 0.69, 0.05) + errors)
        covered += found.low <= 2010 <= found.high
    assert covered >= 0.87 * 200  # a true 95% falls below once in 10,000


def test_more_noise_makes_the_interval_wider():
    narrow, wide = (fit_onset(STEPS, step(2010, 300, 0.69, 0.05) + noise(0, size)) for size in (0.02, 0.1))
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_of_a_jump_between_two_measurements_no_more_is_said_than_that():
    found = fit_onset(STEPS, np.where(STEPS < 2510, 0.5, 1.0) + noise(1, 0.005))
    assert found.low <= 2500 < 2550 <= found.high
    assert (found.width_low, found.width_high) == (0, pytest.approx(50))


def test_a_curve_that_comes_back_is_fitted_up_to_its_extreme():
    curve = step(1000, 100, 0.5, 0.9)
    curve = np.where(STEPS > 2000, 0.5 + 0.4 * np.exp(-(STEPS - 2000) / 1000), curve)
    found = fit_onset(STEPS, curve + noise(2, 0.01))
    assert found.n < 60
    assert found.time == pytest.approx(1000, abs=25)
    assert found.after == pytest.approx(0.9, abs=0.02)


def test_a_loss_that_rises_again_is_fitted_up_to_its_least():
    curve = step(1000, 100, 0.7, 0.1) + np.maximum(STEPS - 3000, 0) / 4000
    assert fit_onset(STEPS, curve + noise(3, 0.01)).time == pytest.approx(1000, abs=25)


@pytest.mark.parametrize(
    "curve",
    [
        pytest.param(0.5 + noise(4), id="flat"),
        pytest.param(np.full(len(STEPS), 0.5), id="constant"),
        pytest.param(STEPS / 5000 + noise(5, 0.01), id="straight"),
        pytest.param(step(6000, 300, 0.5, 0.9) + noise(6, 0.01), id="not yet"),
        pytest.param(step(-500, 300, 0.5, 0.9) + noise(7, 0.01), id="before"),
        pytest.param(np.full(len(STEPS), np.nan), id="nothing finite"),
    ],
)
def test_where_there_is_no_step_none_is_found(curve):
    assert fit_onset(STEPS, curve) is None


def test_of_a_hundred_flat_curves_none_has_an_onset():
    assert [fit_onset(STEPS, 0.5 + noise(seed)) for seed in range(100)] == [None] * 100


def test_what_is_not_finite_is_left_out():
    curve = step(2010, 120, 0.5, 1.0)
    curve[::7] = np.inf
    found = fit_onset(STEPS, curve)
    assert found.time == pytest.approx(2010, abs=0.1)
    assert found.n == np.isfinite(curve).sum()


def test_five_measurements_are_too_few():
    assert fit_onset([0, 1, 2, 3, 4], [0, 0, 0.5, 1, 1]) is None
    assert fit_onset([0, 1, 2, 3, 4, 5], [0, 0, 0.1, 0.9, 1, 1]) is not None


def test_the_unit_of_time_is_that_of_the_steps():
    curve = step(2010, 120, 0.5, 1.0) + noise(8)
    updates, sequences = fit_onset(STEPS, curve), fit_onset(STEPS * 32, curve)
    assert sequences.time == pytest.approx(32 * updates.time, rel=1e-6)
    assert sequences.slope == pytest.approx(updates.slope / 32, rel=1e-5)


@pytest.mark.parametrize(
    ("steps", "values", "rule"),
    [([0, 1, 1], [0, 0, 0], "must be finite and ascend"), ([0, 1], [0], r"got shapes \(2,\) and \(1,\)")],
)
def test_mistakes_are_one_line(steps, values, rule):
    with pytest.raises(ValueError, match=rule):
        fit_onset(steps, values)


def test_an_onset_of_which_next_to_nothing_is_known_has_an_interval_with_ends():
    values = [
        0.5391,
        0.5117,
        0.498,
        0.498,
        0.5078,
        0.5156,
        0.5,
        0.5117,
        0.5117,
        0.5254,
        0.5156,
        0.5156,
        0.5117,
        0.5098,
        0.5137,
        0.5059,
    ]
    with np.errstate(all="raise"):
        onset = fit_onset(np.arange(len(values)) * 100, values)
    assert np.isfinite(onset.width_high)
