"""Counts against a law: Pearson's test and the total variation, as SciPy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, chi2, chisquare

from icl_data._looking.law_fit import chi_square_tail, fit_law


@given(st.integers(1, 3000), st.floats(0.0, 3.0))
def test_tail_is_the_chi_square_distribution_s(degrees: int, relative: float) -> None:
    value = degrees * relative
    assert chi_square_tail(value, degrees) == pytest.approx(chi2.sf(value, degrees), rel=1e-9, abs=1e-300)


def test_frequent_classes_are_tested_one_by_one() -> None:
    counts, law = np.array([30, 0, 18, 52]), np.array([0.3, 0.0, 0.2, 0.5])
    fit = fit_law(counts, law)
    expected = chisquare([52, 30, 18], [50, 30, 20])
    assert fit.classes.tolist() == [3, 0, 2]
    assert fit.measured.tolist() == [52, 30, 18]
    assert fit.degrees == 2
    assert fit.chi_square == pytest.approx(expected.statistic)
    assert fit.p_value == pytest.approx(expected.pvalue)
    assert fit.total_variation == pytest.approx(0.02)


def test_seldom_classes_share_bins_of_at_least_five_and_the_rest_joins_the_last() -> None:
    counts, law = np.array([10, 4, 3, 2, 1]), np.array([0.5, 0.2, 0.1, 0.1, 0.1])  # expected 10, 4, 2, 2, 2 of 20
    fit = fit_law(counts, law)
    assert fit.degrees == 1
    assert fit.chi_square == pytest.approx(0.0)  # bins of 10, and of 4 + 3 + 2 + 1


def test_equally_probable_classes_have_ranks_by_position_the_last_one_first() -> None:
    assert fit_law(np.array([1, 1, 1]), np.full(3, 1 / 3)).classes.tolist() == [2, 1, 0]


def test_too_few_draws_for_two_bins_give_no_p_value() -> None:
    fit = fit_law(np.array([1, 1]), np.array([0.5, 0.5]))
    assert (fit.chi_square, fit.degrees, fit.p_value) == (None, 0, None)


def test_draws_outside_the_law_rule_it_out() -> None:
    fit = fit_law(np.array([50, 49, 1]), np.array([0.5, 0.5, 0.0]))
    assert (fit.n_outside, fit.p_value, fit.chi_square) == (1, 0.0, None)
    assert fit.total_variation == pytest.approx(0.01)


@pytest.mark.parametrize("n", [1, 7, 1000])
def test_sampling_variation_is_the_mean_over_all_possible_counts(n: int) -> None:
    law = np.array([0.5, 0.3, 0.15, 0.05, 0.0])
    k = np.arange(n + 1)
    mean = sum((binom.pmf(k, n, p) * abs(k / n - p)).sum() for p in law) / 2
    counts = np.array([n, 0, 0, 0, 0])
    assert fit_law(counts, law).sampling_variation == pytest.approx(mean)


def test_a_law_of_one_class_varies_not() -> None:
    fit = fit_law(np.array([0, 9]), np.array([0.0, 1.0]))
    assert (fit.total_variation, fit.sampling_variation, fit.p_value) == (0.0, 0.0, None)
