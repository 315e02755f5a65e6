"""Metrics beyond the golden cases: intervals, shared labels, closed answers."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from icl_train.metrics import LabelGroups, closed_correct, query_metrics, sequence_loss, wilson_interval


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_equals_scipys(counts):
    correct, n = counts
    expected = binomtest(correct, n).proportion_ci(0.95, method="wilson")
    low, high = wilson_interval(correct, n)
    assert low == pytest.approx(expected.low, abs=1e-9)
    assert high == pytest.approx(expected.high, abs=1e-9)


def test_wilson_interval_of_nothing_is_refused():
    with pytest.raises(ValueError, match="n >= 1, got correct=0, n=0"):
        wilson_interval(0, 0)


def test_two_way_accuracy_ignores_better_logits_outside_the_two_labels():
    logits = torch.tensor([[0.0, 1.0, 9.0], [1.0, 0.0, 9.0]])
    labels = torch.tensor([[0, 1, 1], [0, 1, 1]])
    groups = LabelGroups.ordered(n_rare=2, n_common=1, ways=2)
    metrics = query_metrics(logits, labels, sequence_type="fewshot_holdout", groups=groups)
    assert metrics["accuracy_closed"].tolist() == [1, 0]
    assert metrics["accuracy_query"].tolist() == [0, 0]
    assert metrics["from_common"].tolist() == [1, 1]


def test_shared_labels_have_no_rare_and_common_scores():
    groups = LabelGroups.shared_labels(n_labels=4, ways=2)
    metrics = query_metrics(
        torch.zeros(2, 4), torch.zeros(2, 3, dtype=torch.int64), sequence_type="bursty", groups=groups
    )
    assert not [name for name in metrics if "rare" in name or "common" in name]


def test_any_label_of_a_class_is_right_without_support_but_not_of_another_class():
    groups = LabelGroups.ordered(n_rare=3, n_common=2, ways=2, multiplicity=2)  # {0, 1}, {2, 3}, …
    predictions = torch.eye(10)[[1, 2, 7]]
    labels = torch.tensor([[5, 0], [5, 0], [5, 6]])
    metrics = query_metrics(predictions, labels, sequence_type="no_support_zipfian", groups=groups)
    assert metrics["accuracy_query"].tolist() == [1, 0, 1]


def test_closed_correct_answers_among_each_rows_own_labels():
    logits = torch.tensor([[5.0, 1.0, 2.0], [5.0, 1.0, 2.0]])
    correct = closed_correct(logits, torch.tensor([2, 1]), torch.tensor([[1, 2], [1, 2]]))
    assert correct.tolist() == [True, False]


def test_interim_loss_without_context_logits_is_refused():
    with pytest.raises(ValueError, match="needs logits at the context positions"):
        sequence_loss(torch.zeros(2, 1, 4), torch.zeros(2, 1, dtype=torch.int64), w_interim=0.3)


def test_unknown_sequence_type_names_the_known_ones():
    groups = LabelGroups.ordered(n_rare=2, n_common=1, ways=2)
    with pytest.raises(ValueError, match=r"\{no_support,random\}_\{common,rare,zipfian\}, got 'burstt'"):
        groups.closed("burstt")
