"""The runs that experiments have at scale paper are those that the paper's values are drawn beside."""

import pytest

from icl_eval._figures.published import published
from icl_models import find_experiment
from icl_train import experiment_runs


@pytest.mark.parametrize("name", ["figure2", "figure3", "figure5", "figure6", "figure7"])
def test_each_run_at_scale_paper_has_a_published_value(name):
    assert all(published(name, run.config) for run in experiment_runs(find_experiment(name), "paper"))


@pytest.mark.parametrize("name", ["figure2", "figure3", "figure5", "figure6", "figure7"])
def test_no_run_on_gaussian_classes_has_one(name):
    assert not any(published(name, run.config) for run in experiment_runs(find_experiment(name), "laptop"))
