"""The law of Reddy (2023): bursts of independent classes, contexts of distinct labels, classes that are always new.

Each chi-square or binomial test has a fixed seed and fails below p = 1e-6: of about thirty, another set of seeds would
raise a false alarm once in 30,000.
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import factorial, prod

import numpy as np
import pytest
from scipy.stats import binomtest, chisquare

from icl_data import (
    BatchSampler,
    Bursty,
    ClassSplit,
    Fewshot,
    Random,
    SequenceBatch,
    SymbolicSource,
    query_law,
    sequence_statistics,
)

ALPHA = 1e-6
N = 20_000
FEW = ClassSplit(5, n_rare=5, n_common=0, zipf_exponent=1.0)
MANY = ClassSplit(70, n_rare=48, n_common=16, n_holdout=6, zipf_exponent=1.5)
PAPER = {"seq_len": 9, "shots": 2, "ways": 4, "p_bursty": 1.0}  # N = 8 pairs, B = 2


def draw(kind, split: ClassSplit = MANY, **options) -> SequenceBatch:
    options = {"batch_size": N, "seed": 11, "n_labels": 8, "protocol": "released", **options}
    return BatchSampler(1, split, kind, **options)(0)


def fits(counts: np.ndarray, law: np.ndarray) -> bool:
    expected = np.asarray(law) * np.sum(counts)
    return chisquare(counts, expected * (np.sum(counts) / expected.sum())).pvalue > ALPHA


def is_uniform(values: np.ndarray, n: int) -> bool:
    return len(np.bincount(values)) <= n and fits(np.bincount(values, minlength=n), np.full(n, 1 / n))


# Bursts of independent classes: protocol "released"


def test_bursts_are_of_independent_classes_and_the_query_of_any_position() -> None:
    """All that a context of four bursts can be, with any query: multinomial counts times their share."""
    batch = draw(Bursty(**PAPER), FEW)
    place = np.argsort(FEW.trained)[batch.class_index]
    law, found = {}, {}
    for four in combinations_with_replacement(range(5), 4):
        times = np.bincount(four, minlength=5)
        orders = factorial(4) // prod(factorial(n) for n in times)
        for query in set(four):
            law[*(2 * times), query] = orders * FEW.zipf_weights[list(four)].prod() * times[query] / 4
    for row in place.tolist():
        key = (*np.bincount(row[:-1], minlength=5).tolist(), row[-1])
        found[key] = found.get(key, 0) + 1
    assert found.keys() <= law.keys()
    assert sum(law.values()) == pytest.approx(1)
    enough = [key for key in law if law[key] * N >= 5]
    rest = N - sum(found.get(key, 0) for key in enough), 1 - sum(law[key] for key in enough)
    counts, shares = [found.get(key, 0) for key in enough], [law[key] for key in enough]
    assert fits(np.array([*counts, rest[0]]), np.array([*shares, rest[1]]))


def test_every_position_follows_the_zipf_law_over_ranks() -> None:
    batch = draw(Bursty(**PAPER))
    ranks = 1.0 / np.arange(64, 0, -1) ** 1.5
    for position in range(9):
        counts = np.bincount(batch.class_index[:, position], minlength=70)[MANY.trained]
        assert fits(counts, ranks / ranks.sum())


def test_of_two_classes_in_a_context_all_orders_are_alike() -> None:
    """All ways to put twice two items into four places."""
    batch = draw(Bursty(seq_len=5, shots=2, ways=2, p_bursty=1.0))
    context = batch.class_index[:, :-1]
    two = context[np.array([len(set(row)) == 2 for row in context.tolist()])]
    patterns = (two == two[:, :1])[:, 1:] @ np.array([1, 2, 4])
    assert fits(np.bincount(patterns, minlength=8)[[1, 2, 4]], np.full(3, 1 / 3))


def test_without_bursts_all_positions_are_independent_and_so_is_the_query() -> None:
    batch = draw(Random(class_type="zipfian", seq_len=9), FEW)
    place = np.argsort(FEW.trained)[batch.class_index]
    pair = 5 * place[:, 3] + place[:, -1]
    assert fits(np.bincount(pair, minlength=25), np.outer(FEW.zipf_weights, FEW.zipf_weights).reshape(-1))


def test_labels_are_shared_in_turn() -> None:
    batch = draw(Bursty(**PAPER))
    place = np.argsort(MANY.trained)[np.searchsorted(np.sort(MANY.trained), batch.class_index)]
    assert (batch.label == place % 8).all()


# New classes


@pytest.mark.parametrize("p_bursty", [0.0, 1.0])
@pytest.mark.parametrize("protocol", ["paper", "released"])
def test_a_share_of_all_sequences_is_of_new_classes_alone_and_bursty(p_bursty: float, protocol: str) -> None:
    batch = draw(Bursty(**PAPER | {"p_bursty": p_bursty}, p_new=0.3), protocol=protocol)
    is_new = batch.class_index >= 70
    assert (is_new.any(1) == is_new.all(1)).all()
    assert binomtest(int(is_new.all(1).sum()), N, 0.3).pvalue > ALPHA
    same = (batch.class_index[:, :-1] == batch.class_index[:, -1:]).sum(1)
    assert (same[is_new.all(1)] >= 2).all()
    assert (batch.is_rare == 0).all()


@pytest.mark.parametrize("protocol", ["paper", "released"])
def test_new_classes_are_drawn_from_the_batchs_pool_alike_and_have_their_labels(protocol: str) -> None:
    sampler = BatchSampler(1, MANY, Bursty(**PAPER, p_new=1.0), batch_size=40, seed=3, n_labels=8, protocol=protocol)
    batches = [sampler(step) for step in range(200)]
    place = np.concatenate([batch.class_index for batch in batches]) - 70
    label = np.concatenate([batch.label for batch in batches])
    assert place.min() >= 0
    for position in (0, 5, 8):
        assert is_uniform(place[:, position], 40)
    assert (label == place % 8).all()
    distinct = np.array([len(set(row)) for row in place[:, :-1].tolist()])
    assert (distinct == 4).all() == (protocol == "paper")


def test_bursts_of_new_classes_are_independent_under_the_released_protocol() -> None:
    """Of four draws from a pool of 40, all are different with probability 39 * 38 * 37 / 40**3."""
    sampler = BatchSampler(1, MANY, Bursty(**PAPER, p_new=1.0), batch_size=40, seed=3, n_labels=8, protocol="released")
    place = np.concatenate([sampler(step).class_index for step in range(500)])
    different = np.array([len(set(row)) == 4 for row in place[:, :-1].tolist()])
    assert binomtest(int(different.sum()), len(different), 39 * 38 * 37 / 40**3).pvalue > ALPHA


def test_known_classes_keep_their_law_beside_new_ones() -> None:
    batch = draw(Bursty(**PAPER | {"p_bursty": 0.5}, p_new=0.4))
    known = batch.class_index[batch.class_index[:, -1] < 70]
    assert fits(np.bincount(known[:, -1], minlength=70)[MANY.trained], MANY.zipf_weights)
    law = query_law(Bursty(**PAPER, p_new=0.4), MANY, protocol="released")
    assert law[MANY.trained] == pytest.approx(0.6 * MANY.zipf_weights)


def test_positions_beside_bursts_of_new_classes_are_new() -> None:
    batch = draw(Bursty(seq_len=9, shots=3, ways=2, p_new=1.0))
    assert (batch.class_index >= 70).all()


# Contexts of distinct labels

DISTINCT = {"bursty": Bursty(**PAPER, distinct_labels=True), "fewshot": None}
DISTINCT["fewshot"] = Fewshot(class_type="zipfian", shots=2, ways=4, labeling="ordered", distinct_labels=True)


@pytest.mark.parametrize("protocol", ["paper", "released"])
@pytest.mark.parametrize("name", DISTINCT)
def test_contexts_show_every_set_of_distinct_labels_alike(name: str, protocol: str) -> None:
    batch = draw(DISTINCT[name], protocol=protocol)
    labels = np.sort(batch.label[:, :-1], axis=1)[:, ::2]
    assert (np.diff(labels, axis=1) > 0).all()
    sets = np.bitwise_or.reduce(1 << labels, axis=1)
    _, times = np.unique(sets, return_counts=True)
    assert len(times) == 70  # 8 choose 4
    assert fits(times, np.full(70, 1 / 70))


@pytest.mark.parametrize("name", DISTINCT)
def test_all_classes_of_a_label_are_alike_whatever_the_skew(name: str) -> None:
    batch = draw(DISTINCT[name])
    for position in (0, 7, 8):
        counts = np.bincount(batch.class_index[:, position], minlength=70)[MANY.trained]
        assert fits(counts, np.full(64, 1 / 64))


def test_a_label_of_more_classes_is_as_frequent_as_another() -> None:
    split = ClassSplit(11, n_rare=11, n_common=0)  # of 8 labels, three have two classes
    kind = Bursty(**PAPER, distinct_labels=True)
    batch = draw(kind, split)
    assert is_uniform(batch.label[:, -1], 8)
    law = np.array([1 / 16] * 3 + [1 / 8] * 5 + [1 / 16] * 3)
    assert query_law(kind, split, n_labels=8)[split.trained] == pytest.approx(law)
    assert fits(np.bincount(batch.class_index[:, -1], minlength=11)[split.trained], law)


def test_new_classes_of_a_context_have_distinct_labels_too() -> None:
    kind = Bursty(**PAPER, distinct_labels=True, p_new=1.0)
    sampler = BatchSampler(1, MANY, kind, batch_size=20, seed=3, n_labels=8, protocol="released")
    batches = [sampler(step) for step in range(400)]
    label = np.concatenate([batch.label for batch in batches])
    assert all(len(set(row)) == 4 for row in label.tolist())
    place = np.concatenate([batch.class_index for batch in batches])[:, -1] - 70
    # Of 20 classes the first four labels have three and the others two.
    assert fits(np.bincount(place, minlength=20), [1 / (8 * (3 if i % 8 < 4 else 2)) for i in range(20)])


# What is measured of them


@pytest.mark.parametrize(
    "kind",
    [Bursty(**PAPER, p_new=0.3), Bursty(**PAPER, p_new=1.0), *DISTINCT.values()],
    ids=["some new", "all new", *DISTINCT],
)
def test_statistics_fit_the_law_that_was_asked_for(kind: Bursty | Fewshot) -> None:
    found = sequence_statistics(draw(kind), MANY, kind, protocol="released", n_labels=8)
    assert found.query_fit.n_outside == 0
    assert found.query_fit.p_value is None or found.query_fit.p_value > ALPHA
    assert found.labels_per_class in (0, 1)
    share = getattr(kind, "p_new", 0)
    assert ("new" in found.query_shares) == (share > 0)
    assert found.query_shares.get("new", 0) == pytest.approx(share, abs=0.02)
    assert found.context_shares.get("new", 0) == found.query_shares.get("new", 0)


def test_statistics_refuse_new_classes_where_none_were_asked_for() -> None:
    with pytest.raises(ValueError, match=r"class_index must be in 0\.\.69"):
        sequence_statistics(draw(Bursty(**PAPER, p_new=1.0)), MANY, Bursty(**PAPER))


# What cannot be


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (Bursty(p_new=0.1), {"n_labels": None}, "p_new needs n_labels, the labels that classes share, got None"),
        (DISTINCT["fewshot"], {"n_labels": None}, "distinct_labels needs n_labels, the labels that .*, got None"),
        (DISTINCT["bursty"], {"n_labels": 3}, "distinct_labels needs 4 labels among the zipfian classes, got 3"),
        (Bursty(**PAPER, p_new=1.0), {"batch_size": 3, "protocol": "paper"}, "4 distinct new classes need .*, got 3"),
        (
            Bursty(**PAPER, p_new=1.0, distinct_labels=True),
            {"batch_size": 3},
            "distinct_labels needs 4 labels among the new classes, got 3",
        ),
    ],
)
def test_a_law_without_labels_or_classes_enough_is_refused(kind, options, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        draw(kind, **options)
    assert "\n" not in str(caught.value)


def test_a_source_that_cannot_draw_new_classes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"p_new needs a source that can draw new .*, got SymbolicSource\(70\)"):
        BatchSampler(SymbolicSource(70), MANY, Bursty(p_new=0.1), batch_size=9, seed=0, n_labels=8)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (Bursty, {"p_new": 1.5}, r"p_new must be in \[0, 1\], got 1.5"),
        (Bursty, {"p_new": 0.5, "labeling_rare": "original"}, "p_new needs labelings 'ordered', .* 'original'"),
        (
            Bursty,
            {"distinct_labels": True},
            r"distinct_labels needs .* of bursts alone, .* and seq_len=9",
        ),
        (Bursty, {**PAPER, "distinct_labels": True, "p_relabel": 0.5}, "distinct_labels needs p_relabel 0 .*=0.5"),
        (Bursty, {**PAPER, "distinct_labels": 1}, "distinct_labels must be True or False, got 1"),
        (
            Bursty,
            {**PAPER, "distinct_labels": True, "labeling_rare": "unfixed"},
            "needs labeling 'ordered', .*'unfixed'",
        ),
        (Fewshot, {"distinct_labels": True}, "distinct_labels needs labeling 'ordered', .*, got 'unfixed'"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(kind, settings, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**settings)
