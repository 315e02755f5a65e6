"""How often a BatchSampler draws what the settings of the released code ask for.

Each chi-square or binomial test has a fixed seed and fails below p = 1e-6: with about 80 of them, another set of seeds
would raise a false alarm once in 12,000. Bounds on coincidences are wider than that.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, chisquare

from icl_data import BatchSampler, Bursty, ClassSplit, Fewshot, Mixed, NoSupport, Random, SequenceBatch

ALPHA = 1e-6
N = 20_000
# So many classes that hardly any comes up twice by coincidence, and so few that each comes up often.
MANY = ClassSplit(6_000, n_rare=3_000, n_common=2_000, n_holdout=1_000)
FEW = ClassSplit(60, n_rare=30, n_common=20, n_holdout=10)

pytestmark = pytest.mark.parametrize("protocol", ["paper", "released"])


def _draw(kind, protocol: str, split: ClassSplit = MANY, **options) -> SequenceBatch:
    return BatchSampler(8, split, kind, batch_size=N, seed=5, protocol=protocol, **options)(0)


def _appearances_of_query(batch: SequenceBatch) -> np.ndarray:
    return (batch.class_index[:, :-1] == batch.class_index[:, -1:]).sum(axis=1)


def _bursts_of_three(batch: SequenceBatch) -> np.ndarray:
    """(N,) how many classes appear at least three times in the context."""
    ordered = np.sort(batch.class_index[:, :-1], axis=1)
    starts = np.diff(ordered, axis=1, prepend=-1) != 0
    return (starts[:, :-2] & (ordered[:, :-2] == ordered[:, 2:])).sum(axis=1)


def _has_frequencies(values: np.ndarray, classes: np.ndarray, weights: np.ndarray) -> bool:
    assert np.isin(values, classes).all()
    counts = np.bincount(values.ravel(), minlength=classes.max() + 1)[classes]
    return chisquare(counts, weights / weights.sum() * values.size).pvalue > ALPHA


@pytest.mark.parametrize("p_bursty", [0.0, 0.25, 0.9, 1.0])
def test_share_of_bursty_sequences_is_p_bursty(protocol: str, p_bursty: float) -> None:
    supported = _appearances_of_query(_draw(Bursty(p_bursty=p_bursty), protocol)) >= 3
    assert binomtest(int(supported.sum()), N, p_bursty).pvalue > ALPHA


@pytest.mark.parametrize("ways", [1, 2, 4])
def test_ways_minus_one_distractors_burst_beside_the_query_s_class(protocol: str, ways: int) -> None:
    batch = _draw(Bursty(p_bursty=1.0, shots=3, ways=ways, seq_len=3 * ways + 3), protocol)
    assert (_appearances_of_query(batch) >= 3).all()
    # Released, two of four ways are the same class in 6 of 5,000 sequences: 24 are expected.
    assert (_bursts_of_three(batch) != ways).sum() <= (80 if protocol == "released" else 0)


@pytest.mark.parametrize("shots", [1, 2, 4])
def test_query_s_class_appears_shots_times(protocol: str, shots: int) -> None:
    counts = _appearances_of_query(_draw(Bursty(p_bursty=1.0, shots=shots, ways=2, seq_len=12), protocol))
    assert counts.min() == shots
    # One of at most nine positions beside the bursts shows the query's class by coincidence: 36 are expected.
    assert (counts > shots).sum() <= 120


@pytest.mark.parametrize("seq_len", [7, 8, 13])
def test_context_beside_the_bursts_is_filled_with_draws_of_all_trained_classes(protocol: str, seq_len: int) -> None:
    batch = _draw(Bursty(p_bursty=1.0, seq_len=seq_len), protocol)
    same = batch.class_index[:, :-1, None] == batch.class_index[:, None, :-1]
    single = same.sum(axis=2) == 1
    assert single.sum(axis=1).max() == seq_len - 7
    # At most 6 positions and 2 bursts, of 5,000 classes: a coincidence in 1 of 185 sequences.
    assert (single.sum(axis=1) == seq_len - 7).mean() > 0.99
    beside = batch.class_index[:, :-1][single]
    assert seq_len == 7 or binomtest(int(np.isin(beside, MANY.rare).sum()), len(beside), 0.6).pvalue > ALPHA


def _one_of_two(weights: np.ndarray) -> np.ndarray:
    """Frequencies of a class that is the first or the second of two drawn without replacement."""
    second = (weights[:, None] * weights / (1 - weights[:, None]) * (1 - np.eye(len(weights)))).sum(axis=0)
    return (weights + second) / 2


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0, -1.0])
@pytest.mark.parametrize("kind", [Random(), NoSupport(), Bursty(p_bursty=1.0)], ids=["random", "no support", "bursty"])
def test_frequency_of_the_query_s_class_falls_with_its_rank_as_a_power(protocol: str, exponent: float, kind) -> None:
    split = ClassSplit(60, n_rare=30, n_common=20, n_holdout=10, zipf_exponent=exponent)
    weights = np.arange(50, 0, -1.0) ** -exponent  # the last of the trained classes has rank 1
    weights /= weights.sum()
    distinct = isinstance(kind, Bursty) and protocol == "paper"
    query = _draw(kind, protocol, split).class_index[:, -1]
    assert _has_frequencies(query, split.trained, _one_of_two(weights) if distinct else weights)


@pytest.mark.parametrize("skewed", [False, True])
@pytest.mark.parametrize("class_type", ["rare", "common"])
def test_rare_and_common_classes_are_skewed_when_asked_for(protocol: str, class_type: str, skewed: bool) -> None:
    sizes = {"n_rare": 30, "n_common": 20, "n_holdout": 10}
    split = ClassSplit(60, **sizes, zipf_exponent=1.0, use_zipf_for_common_rare=skewed)
    ranks = np.arange(50, 0, -1.0)[: 30 if class_type == "rare" else None][-split.classes(class_type).size :]
    batch = _draw(Random(class_type=class_type), protocol, split)
    assert _has_frequencies(batch.class_index, split.classes(class_type), ranks ** -float(skewed))


@pytest.mark.parametrize("exponent", [0.0, 2.0])
def test_holdout_classes_are_equally_frequent_whatever_the_skew(protocol: str, exponent: float) -> None:
    split = ClassSplit(60, n_rare=30, n_common=20, n_holdout=10, zipf_exponent=exponent)
    batch = _draw(Fewshot(), protocol, split)
    assert _has_frequencies(batch.class_index[:, -1], split.holdout, np.ones(10))


def test_shares_of_bursts_of_common_all_and_rare_classes_are_those_given(protocol: str) -> None:
    batch = _draw(Bursty(p_bursty=1.0, p_bursty_common=0.2, p_bursty_zipfian=0.5), protocol)
    rare_burst = batch.is_rare[:, -1] == 1
    rare_beside = batch.is_rare.any(axis=1) & ~rare_burst
    counts = [rare_beside.sum(), (~rare_burst & ~rare_beside).sum(), rare_burst.sum()]
    assert chisquare(counts, np.array([0.2, 0.5, 0.3]) * N).pvalue > ALPHA


@pytest.mark.parametrize("p_fewshot", [0.0, 0.3, 1.0])
def test_share_of_fewshot_sequences_among_mixed_ones_is_p_fewshot(protocol: str, p_fewshot: float) -> None:
    fewshot = _draw(Mixed(p_fewshot=p_fewshot), protocol).is_rare.all(axis=1)
    assert binomtest(int(fewshot.sum()), N, p_fewshot).pvalue > ALPHA


def test_novel_labels_are_all_equally_often_the_query_s(protocol: str) -> None:
    labels = _draw(Fewshot(labeling="novel"), protocol, FEW).label[:, -1]
    assert chisquare(np.bincount(labels, minlength=50)).pvalue > ALPHA


@pytest.mark.parametrize("n_labels", [7, 32])
def test_shared_labels_are_as_frequent_as_the_classes_that_share_them(protocol: str, n_labels: int) -> None:
    labels = _draw(Random(), protocol, FEW, n_labels=n_labels).label
    sharing = np.bincount(np.arange(50) % n_labels)
    assert chisquare(np.bincount(labels.ravel()), sharing / 50 * labels.size).pvalue > ALPHA


@pytest.mark.parametrize("multiplicity", [2, 5])
def test_each_label_of_a_class_is_chosen_equally_often(protocol: str, multiplicity: int) -> None:
    kind = Fewshot(class_type="rare", labeling=f"ordered_polysemy{multiplicity}")
    labels = _draw(kind, protocol, FEW).label[:, -1]
    assert chisquare(np.bincount(labels % multiplicity, minlength=multiplicity)).pvalue > ALPHA
