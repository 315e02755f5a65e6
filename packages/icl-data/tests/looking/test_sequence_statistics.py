"""Statistics of sequences: right on batches made by hand, and what was asked for on drawn ones.

Shares of drawn sequences are compared within five standard errors at fixed seeds: with another seed, each comparison
would raise a false alarm less than once in a million.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icl_data import (
    BatchSampler,
    Bursty,
    ClassSplit,
    Fewshot,
    NoSupport,
    Random,
    SequenceBatch,
    SequenceStatistics,
    sequence_statistics,
)

# With seed 1337 rare classes are the first of the order, then common and holdout ones.
SPLIT = ClassSplit(6, n_rare=3, n_common=2, n_holdout=1)
RARE, COMMON, HOLDOUT = SPLIT.rare.tolist(), SPLIT.common.tolist(), SPLIT.holdout.tolist()
N = 40_000


def _batch(classes, labels=None) -> SequenceBatch:
    classes = np.array(classes, dtype=np.int32)
    labels = classes if labels is None else np.array(labels, dtype=np.int32)
    return SequenceBatch(classes, np.zeros_like(classes), labels, np.zeros_like(classes))


def _near(share: float, n: int = N) -> object:
    return pytest.approx(share, abs=5 * math.sqrt(share * (1 - share) / n) + 1e-12)


def _drawn(kind, split: ClassSplit, n: int = N, **settings) -> SequenceStatistics:
    return sequence_statistics(BatchSampler(1, split, kind, batch_size=n, seed=0, **settings)(0), split, kind)


@pytest.fixture
def by_hand() -> SequenceStatistics:
    """Four sequences of five: the query's class 3, 1, 0 and 4 times in the context."""
    a, b, c = RARE
    d, e = COMMON
    classes = [[a, a, b, a, a], [a, b, c, d, d], [b, b, c, c, e], [HOLDOUT[0]] * 5]
    labels = [[1, 1, 2, 9, 1], [1, 2, 3, 4, 4], [2, 2, 3, 3, 5], [6] * 5]
    return sequence_statistics(_batch(classes, labels), SPLIT, Random())


def test_burstiness_is_the_share_of_sequences_with_as_many_shots(by_hand: SequenceStatistics) -> None:
    assert by_hand.query_support.tolist() == [1, 1, 0, 1, 1]
    assert by_hand.burstiness == 0.5
    assert by_hand.support_share == 0.75


def test_multiplicity_and_different_classes_are_of_the_context_alone(by_hand: SequenceStatistics) -> None:
    assert by_hand.largest_multiplicity.tolist() == [0, 1, 1, 1, 1]
    assert by_hand.distinct_classes.tolist() == [0, 1, 2, 0, 1]
    assert by_hand.mean_distinct_classes == (2 + 4 + 2 + 1) / 4


def test_class_types_are_those_of_the_split(by_hand: SequenceStatistics) -> None:
    assert by_hand.query_shares == {"rare": 0.25, "common": 0.5, "holdout": 0.25}
    assert by_hand.context_shares == {"rare": 11 / 16, "common": 1 / 16, "holdout": 4 / 16}


def test_labels_of_queries_are_counted(by_hand: SequenceStatistics) -> None:
    assert by_hand.labels.tolist() == [1, 4, 5, 6]
    assert by_hand.label_counts.tolist() == [1, 1, 1, 1]
    assert by_hand.label_entropy == by_hand.max_label_entropy == 2.0


def test_entropy_is_in_bits() -> None:
    found = sequence_statistics(_batch([[0, 0]] * 3 + [[1, 1]]), SPLIT, Random())
    assert found.label_entropy == pytest.approx(-0.75 * math.log2(0.75) - 0.25 * math.log2(0.25))


def test_labels_per_class_are_over_all_sequences(by_hand: SequenceStatistics) -> None:
    assert by_hand.most_labels_per_class == 2  # the first class has labels 1 and 9
    assert by_hand.labels_per_class == pytest.approx(7 / 6)


def test_label_noise_is_among_context_positions_of_the_query_s_class(by_hand: SequenceStatistics) -> None:
    assert by_hand.label_noise == pytest.approx(1 / 8)


def test_label_noise_without_such_positions_is_none() -> None:
    assert sequence_statistics(_batch([[0, 1]]), SPLIT, Random()).label_noise is None


def test_shots_are_the_kind_s_unless_given() -> None:
    batch = _batch([[0, 1, 0, 1, 0]])
    assert sequence_statistics(batch, SPLIT, Fewshot(class_type="rare", shots=2)).shots == 2
    assert sequence_statistics(batch, SPLIT, Random()).shots == 3
    assert sequence_statistics(batch, SPLIT, Random(), shots=2).burstiness == 1.0
    assert sequence_statistics(batch, SPLIT, Random(), shots=7).burstiness == 0.0


def test_a_sequence_of_a_query_alone_has_an_empty_context() -> None:
    found = sequence_statistics(_batch([[2], [3]]), SPLIT, Random(seq_len=1))
    assert found.query_support.tolist() == found.largest_multiplicity.tolist() == found.distinct_classes.tolist() == [2]
    assert found.context_shares == {"rare": 0.0, "common": 0.0, "holdout": 0.0}


@given(st.data())
def test_counts_are_those_of_a_plain_loop(data) -> None:
    length = data.draw(st.integers(1, 7))
    row = st.lists(st.integers(0, 5), min_size=length, max_size=length)
    rows = data.draw(st.lists(row, min_size=1, max_size=8))
    found = sequence_statistics(_batch(rows), SPLIT, Random())
    support, largest, distinct = np.zeros((3, length), dtype=int)
    for *context, query in rows:
        support[context.count(query)] += 1
        largest[max((context.count(one) for one in context), default=0)] += 1
        distinct[len(set(context))] += 1
    assert found.query_support.tolist() == support.tolist()
    assert found.largest_multiplicity.tolist() == largest.tolist()
    assert found.distinct_classes.tolist() == distinct.tolist()


def test_batches_add_up_to_what_one_batch_gives() -> None:
    split, kind = ClassSplit(50, n_rare=40, n_common=10, zipf_exponent=1), Bursty(label_noise=0.1)
    whole = BatchSampler(1, split, kind, batch_size=3000, seed=0)(0)
    pieces = (whole[start : start + 700] for start in range(0, 3000, 700))
    found, expected = (sequence_statistics(batches, split, kind).to_dict() for batches in (pieces, whole))
    assert found == expected


def test_dictionary_is_plain_json_without_nan() -> None:
    found = sequence_statistics(_batch([[0, 1]]), SPLIT, Random())
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert json.loads(text) == found.to_dict()
    assert json.loads(text)["query_fit"]["p_value"] is None


@pytest.mark.parametrize("p_bursty", [0.0, 0.3, 0.9])
def test_burstiness_is_p_bursty_where_classes_are_many(p_bursty: float) -> None:
    split = ClassSplit(20_000, n_rare=10_000, n_common=10_000)
    assert _drawn(Bursty(p_bursty=p_bursty), split).burstiness == _near(p_bursty)


def test_support_without_bursts_is_that_of_independent_draws() -> None:
    split = ClassSplit(50, n_rare=40, n_common=10)
    assert _drawn(Random(), split).support_share == _near(1 - (49 / 50) ** 8)
    assert _drawn(NoSupport(), split).support_share == 0.0


def test_few_shot_sequences_have_as_many_classes_as_ways_and_labels() -> None:
    found = _drawn(Fewshot(ways=3), ClassSplit(50, n_rare=20, n_common=10, n_holdout=20))
    assert found.distinct_classes[3] == N
    assert found.largest_multiplicity[4] == N
    assert found.query_shares["holdout"] == 1.0
    assert found.label_entropy == pytest.approx(math.log2(3), abs=1e-3)


def test_label_noise_is_measured_where_it_was_asked_for() -> None:
    found = _drawn(Bursty(p_bursty=1.0, label_noise=0.2), ClassSplit(500, n_rare=400, n_common=100))
    assert found.label_noise == _near(0.2, 3 * N)


def test_polysemous_classes_have_as_many_labels_and_no_noise() -> None:
    kind = Bursty(labeling_rare="ordered_polysemy3", labeling_common="ordered_polysemy3")
    found = _drawn(kind, ClassSplit(50, n_rare=40, n_common=10))
    assert found.labels_per_class == found.most_labels_per_class == 3
    assert found.label_noise == 0.0


def test_common_bursts_show_in_the_shares_of_queries() -> None:
    kind = Bursty(p_bursty=1.0, p_bursty_common=0.4, p_bursty_zipfian=0.0)
    assert _drawn(kind, ClassSplit(50, n_rare=40, n_common=10)).query_shares["common"] == _near(0.4)


@pytest.mark.parametrize(
    ("batches", "settings", "message"),
    [
        ([], {}, "at least one sequence to measure, got none"),
        (_batch(np.zeros((0, 4))), {}, "at least one sequence to measure, got none"),
        ([_batch([[0, 1]]), _batch([[0, 1, 2]])], {}, "sequences of 2, got 3"),
        (_batch([[0, 6]]), {}, r"class_index must be in 0\.\.5, got 0\.\.6"),
        (_batch([[0, 1]], [[-1, 0]]), {}, "labels must be at least 0, got -1"),
        (_batch([[0, 1]]), {"shots": 0}, "shots must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(batches, settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sequence_statistics(batches, SPLIT, Random(), **settings)


def test_readme_explains_every_key() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    found = sequence_statistics(_batch([[0, 1]]), SPLIT, Random()).to_dict()
    assert [key for key in (*found, *found["query_fit"]) if f"`{key}`" not in readme] == []
