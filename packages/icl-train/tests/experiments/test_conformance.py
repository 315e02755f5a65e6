"""The conformance suite of experiments finds claims that no run can keep."""

import pytest

from icl_train.testing import ExperimentConformance


class Suite(ExperimentConformance):
    name = "mine"


def test_a_claim_about_heads_must_be_about_a_layer_that_its_runs_have(mine):
    mine(layer=0)
    Suite().test_each_claim_about_heads_is_about_a_layer_that_its_runs_have()
    mine(layer=1)  # the preset has one
    with pytest.raises(AssertionError):
        Suite().test_each_claim_about_heads_is_about_a_layer_that_its_runs_have()


def test_a_score_of_heads_is_no_evaluation_that_runs_must_make(mine):
    mine()
    Suite().test_each_claim_is_about_what_is_measured()
