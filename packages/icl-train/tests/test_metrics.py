"""Metrics beyond the golden cases: intervals, shared labels, closed answers."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from icl_train.metrics import (
    LabelGroups,
    best_option,
    query_metrics,
    sequence_loss,
    sequence_metrics,
    wilson_interval,
)


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


POLYSEMY = LabelGroups.ordered(n_rare=3, n_common=2, ways=2, multiplicity=2)  # {0, 1}, {2, 3}, {4, 5}; {6, 7}, {8, 9}


def with_polysemy(sequence_type, predicted, right):
    """Outcomes of answers to queries with these labels."""
    labels = torch.tensor([[5, label] for label in right])
    return query_metrics(torch.eye(10)[predicted], labels, sequence_type=sequence_type, groups=POLYSEMY)


@pytest.mark.parametrize(
    ("sequence_type", "right"),
    [("no_support_zipfian", [1, 0, 1, 1]), ("no_support_rare", [1, 0, 1, 1]), ("no_support_common", [0, 0, 0, 1])],
)
def test_any_label_of_the_class_is_right_in_accuracy_query_where_the_released_code_counts_it(sequence_type, right):
    metrics = with_polysemy(sequence_type, [1, 2, 7, 3], [0, 0, 6, 3])
    assert metrics["accuracy_query"].tolist() == right


@pytest.mark.parametrize(
    ("sequence_type", "predicted", "label", "other"),
    [("no_support_zipfian", 1, 0, 2), ("no_support_rare", 3, 2, 1), ("no_support_common", 7, 6, 9)],
)
def test_accuracy_closed_counts_the_exact_label_alone_and_accuracy_class_any_label_of_the_class(
    sequence_type, predicted, label, other
):
    metrics = with_polysemy(sequence_type, [predicted, label, other], [label] * 3)
    assert metrics["accuracy_closed"].tolist() == [0, 1, 0]
    assert metrics["accuracy_class"].tolist() == [1, 1, 0]


def test_accuracy_class_is_of_the_best_valid_label_whatever_is_answered_among_all():
    labels = torch.tensor([[5, 6]])
    logits = torch.tensor([[9.0, 0, 0, 0, 0, 0, 0, 5, 1, 1]])
    metrics = query_metrics(logits, labels, sequence_type="no_support_common", groups=POLYSEMY)
    assert (metrics["accuracy_query"].item(), metrics["accuracy_class"].item()) == (0, 1)


@pytest.mark.parametrize("sequence_type", ["bursty", "fewshot_holdout"])
def test_with_support_the_very_label_is_asked_for_under_polysemy(sequence_type):
    metrics = with_polysemy(sequence_type, [1, 0], [0, 0])
    assert metrics["accuracy_query"].tolist() == metrics["accuracy_closed"].tolist() == [0, 1]
    assert "accuracy_class" not in metrics


def test_accuracy_interim_takes_any_label_of_the_class_like_accuracy_query():
    labels = torch.tensor([[0, 4, 2]])
    logits = torch.eye(10)[torch.tensor([[1, 4, 2]])]
    found = {
        name: sequence_metrics(logits, labels, sequence_type=f"no_support_{name}", groups=POLYSEMY, w_interim=0.5)
        for name in ("rare", "zipfian", "common")
    }
    assert {name: metrics["accuracy_interim"] for name, metrics in found.items()} == {
        "rare": 1,
        "zipfian": 1,
        "common": 0.5,
    }


def test_one_label_a_class_has_no_accuracy_class():
    groups = LabelGroups.ordered(n_rare=3, n_common=2, ways=2)
    metrics = query_metrics(torch.eye(5)[[1]], torch.tensor([[0, 1]]), sequence_type="no_support_rare", groups=groups)
    assert "accuracy_class" not in metrics


def test_the_best_option_is_among_each_rows_own_labels():
    logits = torch.tensor([[5.0, 1.0, 2.0], [5.0, 1.0, 2.0]])
    assert best_option(logits, torch.tensor([[1, 2], [0, 1]])).tolist() == [2, 0]


def test_interim_loss_without_context_logits_is_refused():
    with pytest.raises(ValueError, match="needs logits at the context positions"):
        sequence_loss(torch.zeros(2, 1, 4), torch.zeros(2, 1, dtype=torch.int64), w_interim=0.3)


def test_unknown_sequence_type_names_the_known_ones():
    groups = LabelGroups.ordered(n_rare=2, n_common=1, ways=2)
    with pytest.raises(ValueError, match=r"\{no_support,random\}_\{common,rare,zipfian\}, got 'burstt'"):
        groups.closed("burstt")
