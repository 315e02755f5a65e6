"""Bands: range, standard deviation, bootstrap, and the interval of a single run."""

import numpy as np
import pytest

from icl_eval._picture.bands import band_bounds, band_note

VALUES = np.array([[0.2, 0.5], [0.4, 0.5], [0.9, 0.5]])
NONE = np.full_like(VALUES, np.nan)


def test_the_range_is_from_the_least_to_the_greatest_run():
    low, high = band_bounds(VALUES, NONE, NONE, "range")
    assert (low.tolist(), high.tolist()) == ([0.2, 0.5], [0.9, 0.5])


def test_the_standard_deviation_is_that_of_a_sample_of_runs():
    low, high = band_bounds(VALUES, NONE, NONE, "sd")
    mean, deviation = 0.5, np.sqrt((0.3**2 + 0.1**2 + 0.4**2) / 2)
    assert low.tolist() == pytest.approx([mean - deviation, 0.5])
    assert high.tolist() == pytest.approx([mean + deviation, 0.5])


def test_the_bootstrap_is_the_percentiles_of_means_of_runs_drawn_again():
    # Three runs drawn with replacement: 27 equally likely draws, whose means are known.
    draws = np.sort([np.mean([a, b, c]) for a in VALUES[:, 0] for b in VALUES[:, 0] for c in VALUES[:, 0]])
    low, high = band_bounds(VALUES, NONE, NONE, "bootstrap")
    # 1/27 of the draws is the least mean, and 1/27 the greatest: more than 2.5%, so these are the ends.
    assert (low[0], high[0]) == pytest.approx((draws[0], draws[-1]))
    assert low[1] == pytest.approx(0.5)


def test_the_bootstrap_of_many_runs_is_near_that_of_the_normal_law():
    values = np.random.default_rng(0).normal(0.5, 0.1, (60, 1))
    low, high = band_bounds(values, np.full_like(values, np.nan), np.full_like(values, np.nan), "bootstrap")
    half = 1.96 * values.std(ddof=0) / np.sqrt(60)
    assert low[0] == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high[0] == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_the_bootstrap_is_the_same_every_time():
    values = np.random.default_rng(1).uniform(size=(5, 7))
    first, again = (np.stack(band_bounds(values, values, values, "bootstrap")) for _ in range(2))
    assert (first == again).all()


@pytest.mark.parametrize("band", ["range", "sd", "bootstrap"])
def test_one_run_has_its_own_interval_whatever_the_band(band):
    low, high = band_bounds(VALUES[:1], VALUES[:1] - 0.1, VALUES[:1] + 0.1, band)
    assert low.tolist() == pytest.approx([0.1, 0.4])
    assert high.tolist() == pytest.approx([0.3, 0.6])


@pytest.mark.parametrize(
    ("band", "words"),
    [("range", "least to greatest"), ("sd", "± one standard deviation"), ("bootstrap", "95% bootstrap")],
)
def test_the_note_names_the_band_and_the_numbers_of_runs(band, words):
    assert words in band_note(band, {3})
    assert "n = 3 seeds" in band_note(band, {3})
    assert "n = 2 to 5 seeds" in band_note(band, {2, 5})


@pytest.mark.parametrize("band", ["sd", "bootstrap"])
def test_a_figure_draws_the_band_that_is_asked_for(write_run, picture_of, tmp_path, band):
    values = [0.5, 0.75, 1.0]
    for seed, value in enumerate(values):
        write_run(f"{seed}", {20: (value, 0.0)}, seed=seed)
    (line,) = picture_of("figure3a", tmp_path, band=band).panels[0].lines
    low, high = band_bounds(np.array(values)[:, None], NONE[:, :1], NONE[:, :1], band)
    assert (line.low.tolist(), line.high.tolist()) == (low.tolist(), high.tolist())
