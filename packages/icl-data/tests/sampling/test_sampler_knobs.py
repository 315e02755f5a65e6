"""What the settings beyond the released ones do to the sequences of a BatchSampler.

Each chi-square or binomial test has a fixed seed and fails below p = 1e-6: with about 25 of them, another set of seeds
would raise a false alarm once in 40,000.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from scipy.stats import binomtest, chisquare

from icl_data import BatchSampler, Bursty, ClassSplit, Fewshot, Random, SequenceBatch

ALPHA = 1e-6
N = 20_000
# Enough classes for coincidences to be seldom, few enough for them to happen.
SPLIT = ClassSplit(60, n_rare=40, n_common=10, n_holdout=10)
SKEWED = ClassSplit(60, n_rare=40, n_common=10, n_holdout=10, zipf_exponent=1.5)
BURST = {"p_bursty": 1.0, "seq_len": 7}  # nothing beside two bursts of three


def _draw(kind, *, split: ClassSplit = SPLIT, n_exemplars: int = 6, **options) -> SequenceBatch:
    return BatchSampler(n_exemplars, split, kind, **{"batch_size": N, "seed": 11, **options})(0)


def _is_share(marks: np.ndarray, share: float) -> bool:
    return binomtest(int(marks.sum()), marks.size, share).pvalue > ALPHA


def _is_uniform(values: np.ndarray, n: int) -> bool:
    return chisquare(np.bincount(values, minlength=n)).pvalue > ALPHA


def _own_labels(batch: SequenceBatch) -> np.ndarray:
    """Labels "ordered" of the classes."""
    places = np.empty(SPLIT.n_classes, dtype=np.int64)
    places[SPLIT.trained] = np.arange(len(SPLIT.trained))
    return places[batch.class_index]


# Label noise

NOISY = {"bursty": Bursty(label_noise=0.3), "random": Random(label_noise=0.3)}


@pytest.mark.parametrize("name", NOISY)
def test_label_noise_replaces_its_share_of_context_labels(name: str) -> None:
    batch = _draw(NOISY[name])
    replaced = batch.label != _own_labels(batch)
    assert _is_share(replaced[:, :-1], 0.3)
    assert all(_is_share(replaced[:, position], 0.3) for position in (0, 7))


@pytest.mark.parametrize("name", NOISY)
def test_label_noise_leaves_the_query_its_label(name: str) -> None:
    batch = _draw(NOISY[name])
    np.testing.assert_array_equal(batch.label[:, -1], _own_labels(batch)[:, -1])


@pytest.mark.parametrize("options", [{}, {"n_labels": 7}])
def test_noisy_labels_are_every_other_label_equally_often(options: dict) -> None:
    sampler = BatchSampler(1, SPLIT, Bursty(label_noise=1.0), batch_size=N, seed=0, **options)
    batch, n = sampler(0), sampler.num_labels
    shift = (batch.label - _own_labels(batch) % n)[:, :-1] % n
    assert shift.min() == 1
    assert _is_uniform(shift.ravel() - 1, n - 1)


def test_noisy_labels_of_polysemous_classes_and_keys_are_among_those_that_occur() -> None:
    keyed = ClassSplit(np.arange(60) * 3, n_rare=40, n_common=10)
    batch = _draw(Random(labeling="original", label_noise=1.0), split=keyed)
    assert set(batch.label.ravel().tolist()) == set((keyed.trained * 3).tolist())
    batch = _draw(Random(labeling="ordered_polysemy2", label_noise=1.0))
    assert set(batch.label.ravel().tolist()) == set(range(100))


def test_label_noise_changes_labels_alone() -> None:
    noisy, clean = _draw(Random(label_noise=0.5), batch_size=500), _draw(Random(), batch_size=500)
    np.testing.assert_array_equal(noisy.class_index, clean.class_index)
    np.testing.assert_array_equal(noisy.exemplar_index, clean.exemplar_index)


# Relabelled bursts


def test_relabelling_reaches_its_share_of_bursty_sequences() -> None:
    batch = _draw(Bursty(p_bursty=0.8, p_relabel=0.25, seq_len=7))
    # A class keeps its own label 0 or 1 by chance, too: only queries of other classes tell.
    informative = _own_labels(batch)[:, -1] > 1
    relabelled = batch.label[informative, -1] <= 1
    assert _is_share(relabelled, 0.8 * 0.25)


@pytest.mark.parametrize("split", [SPLIT, SKEWED], ids=["uniform", "skewed"])
@pytest.mark.parametrize("kind", [Bursty(p_relabel=1.0, **BURST), Fewshot(class_type="zipfian")])
def test_fresh_labels_say_nothing_about_the_class(kind, split: ClassSplit) -> None:
    batch = _draw(kind, split=split)
    assert set(np.unique(batch.label).tolist()) == {0, 1}
    frequent = split.trained[-1]
    shown = batch.class_index[:, -1] == frequent
    assert _is_share(batch.label[shown, -1] == 0, 0.5)
    assert _is_share(batch.label[:, -1] == 0, 0.5)


@pytest.mark.parametrize("split", [SPLIT, SKEWED], ids=["uniform", "skewed"])
def test_a_relabelled_class_has_one_label_in_all_the_sequence(split: ClassSplit) -> None:
    batch = _draw(Bursty(p_bursty=1.0, p_relabel=1.0), split=split)
    coincidences = 0
    for classes, labels in zip(batch.class_index.tolist(), batch.label.tolist(), strict=True):
        assert len(set(zip(classes, labels, strict=True))) == len(set(classes))
        coincidences += len(set(classes)) < 4
    assert coincidences > 100


def test_positions_beside_relabelled_bursts_keep_the_labels_of_their_classes() -> None:
    batch = _draw(Bursty(p_bursty=1.0, p_relabel=1.0))
    counts = (batch.class_index[:, :-1, None] == batch.class_index[:, None, :-1]).sum(axis=2)
    beside = counts <= 2
    np.testing.assert_array_equal(batch.label[:, :-1][beside], _own_labels(batch)[:, :-1][beside])


# The query's exemplar

COPYING = {
    "bursty": (Bursty(query_exemplar="copy", **BURST), 3),
    "fewshot": (Fewshot(query_exemplar="copy"), 4),
}


@pytest.mark.parametrize("order", ["shuffled", "blocked"])
@pytest.mark.parametrize("name", COPYING)
def test_query_copies_each_of_its_burst_s_exemplars_equally_often(name: str, order: str) -> None:
    kind, shots = COPYING[name]
    batch = _draw(type(kind)(**{**vars(kind), "context_order": order}))
    same_class = batch.class_index[:, :-1] == batch.class_index[:, -1:]
    copied = same_class & (batch.exemplar_index[:, :-1] == batch.exemplar_index[:, -1:])
    assert (copied.sum(axis=1) == 1).all()
    which = (np.cumsum(same_class, axis=1) * copied).sum(axis=1) - 1
    assert _is_uniform(which, shots)
    assert _is_uniform(batch.exemplar_index[:, -1], 6)


def test_new_query_exemplars_are_never_in_the_context() -> None:
    batch = _draw(Fewshot(query_exemplar="new"))
    drawing = batch.class_index * 6 + batch.exemplar_index
    assert (drawing[:, :-1] != drawing[:, -1:]).all()


@pytest.mark.parametrize("query_exemplar", ["new", "copy"])
@pytest.mark.parametrize("kind", [Fewshot(shots=1), Fewshot(shots=4), Bursty(**BURST)], ids=str)
def test_one_exemplar_of_several_is_shown_all_over_by_new_and_by_copying_queries(kind, query_exemplar: str) -> None:
    batch = _draw(replace(kind, query_exemplar=query_exemplar), exemplars=range(3, 4))
    assert (batch.exemplar_index == 3).all()


def test_copying_needs_no_exemplar_beyond_those_of_the_context() -> None:
    batch = _draw(Fewshot(query_exemplar="copy", shots=4), n_exemplars=4)
    assert all(len({(c, e) for c, e in zip(*rows, strict=True)}) == 8 for rows in _rows(batch)[:500])


def _rows(batch: SequenceBatch) -> list[tuple[list[int], list[int]]]:
    return list(zip(batch.class_index.tolist(), batch.exemplar_index.tolist(), strict=True))


# Orders of the context


def _words(batch: SequenceBatch) -> list[str]:
    """Contexts of two classes as words: q for the query's class, o for the other."""
    return [
        "".join("q" if found else "o" for found in row)
        for row in (batch.class_index[:, :-1] == batch.class_index[:, -1:]).tolist()
    ]


def _counts(words: list[str], expected: list[str]) -> np.ndarray:
    assert set(words) <= set(expected)
    return np.array([words.count(word) for word in expected])


ORDERS = {
    "shuffled": sorted({"".join(word) for word in permutations("qqqooo")}),
    "grouped": [a + b + c for a in ("qo", "oq") for b in ("qo", "oq") for c in ("qo", "oq")],
    "blocked": ["qqqooo", "oooqqq"],
    "query_first": ["qqqooo"],
    "query_last": ["oooqqq"],
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", [Bursty, Fewshot])
def test_contexts_of_two_classes_have_every_allowed_order_equally_often(kind: type, order: str) -> None:
    size = BURST if kind is Bursty else {"shots": 3, "ways": 2}
    counts = _counts(_words(_draw(kind(context_order=order, **size))), ORDERS[order])
    assert len(counts) == 1 or chisquare(counts).pvalue > ALPHA


def test_grouped_flag_of_fewshot_is_the_grouped_order() -> None:
    flag, order = _draw(Fewshot(grouped=True)), _draw(Fewshot(context_order="grouped"))
    np.testing.assert_array_equal(flag.class_index, order.class_index)


@pytest.mark.parametrize("ways", [3, 4])
def test_blocked_contexts_change_class_once_per_class_and_put_the_query_s_block_anywhere(ways: int) -> None:
    batch = _draw(Fewshot(context_order="blocked", ways=ways, shots=2))
    context = batch.class_index[:, :-1]
    assert ((np.diff(context, axis=1) != 0).sum(axis=1) == ways - 1).all()
    assert _is_uniform((context == batch.class_index[:, -1:]).argmax(axis=1) // 2, ways)


@pytest.mark.parametrize("order", ["grouped", "blocked"])
def test_positions_beside_ordered_bursts_fall_anywhere(order: str) -> None:
    kind = Bursty(p_bursty=1.0, shots=4, ways=1, seq_len=6, context_order=order)
    batch = _draw(kind, split=ClassSplit(5_000, n_rare=5_000, n_common=0))
    beside = batch.class_index[:, :-1] != batch.class_index[:, -1:]
    single = beside.sum(axis=1) == 1
    where = beside[single].argmax(axis=1)
    # One beside a block of four is before or after it; beside four rounds of one, between any two.
    counts = np.bincount(where, minlength=5)
    expected = [0.5, 0, 0, 0, 0.5] if order == "blocked" else [0.125, 0.25, 0.25, 0.25, 0.125]
    likely = np.array(expected) > 0
    assert counts[~likely].sum() == 0
    assert chisquare(counts[likely], len(where) * np.array(expected)[likely]).pvalue > ALPHA


@pytest.mark.parametrize(("order", "start"), [("query_first", 0), ("query_last", 5)])
def test_query_s_burst_stands_at_the_end_that_the_order_names_whatever_is_beside(order: str, start: int) -> None:
    batch = _draw(Bursty(p_bursty=1.0, context_order=order))
    burst = batch.class_index[:, start : start + 3]
    assert (burst == batch.class_index[:, -1:]).all()


def test_context_order_leaves_the_number_of_appearances_as_it_is() -> None:
    batch = _draw(Bursty(context_order="blocked", p_bursty=0.5))
    plain = _draw(Bursty(p_bursty=0.5), seed=12)
    shares = [((b.class_index[:, :-1] == b.class_index[:, -1:]).sum(axis=1) >= 3).mean() for b in (batch, plain)]
    assert abs(shares[0] - shares[1]) < 5 * np.sqrt(2 * 0.25 / N)  # five standard errors of the difference


# Exemplars kept apart


@pytest.mark.parametrize("exemplars", [range(4), range(14, 20), range(1, 20, 2), range(19, 9, -1)])
def test_only_and_all_exemplars_of_the_range_are_drawn_equally_often(exemplars: range) -> None:
    batch = _draw(Random(), n_exemplars=20, exemplars=exemplars)
    found = batch.exemplar_index[:, 0]
    assert set(batch.exemplar_index.ravel().tolist()) == set(exemplars)
    assert chisquare([np.count_nonzero(found == exemplar) for exemplar in exemplars]).pvalue > ALPHA


def test_training_and_evaluation_on_disjoint_ranges_never_share_an_exemplar() -> None:
    train = _draw(Bursty(), n_exemplars=20, exemplars=range(16))
    rest = _draw(Fewshot(shots=3), n_exemplars=20, exemplars=range(16, 20), stream="eval")
    assert train.exemplar_index.max() == 15
    assert rest.exemplar_index.min() == 16


def test_exemplars_of_a_range_do_not_repeat_within_a_class() -> None:
    batch = _draw(Fewshot(shots=3), n_exemplars=20, exemplars=range(16, 20), batch_size=500)
    assert all(len(set(zip(*rows, strict=True))) == 7 for rows in _rows(batch))


# Labels per class, and refusals


def test_one_of_a_polysemous_class_s_labels_is_drawn_uniformly_and_holds_for_the_sequence() -> None:
    batch = _draw(Bursty(labeling_rare="ordered_polysemy3"))
    assert _is_uniform(batch.label[:, -1] % 3, 3)
    same = batch.class_index[:, :-1] == batch.class_index[:, -1:]
    labels = np.where(same, batch.label[:, :-1], batch.label[:, -1:])
    assert (labels == batch.label[:, -1:]).all()


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (Fewshot(query_exemplar="copy"), {"n_exemplars": 1}, "at least 2 for a choice, got shots=4 and n_exemplars=1"),
        (Fewshot(query_exemplar="copy"), {"n_exemplars": 3}, "as many exemplars as shots, .* n_exemplars=3"),
        (Bursty(label_noise=0.1), {"n_labels": 1}, "label_noise needs at least 2 labels to choose from, got 1"),
        (Random(), {"exemplars": range(0)}, r"within range\(0, 6\), got range\(0, 0\)"),
        (Random(), {"exemplars": range(2, 7)}, r"within range\(0, 6\), got range\(2, 7\)"),
        (Random(), {"exemplars": range(-1, 3)}, r"within range\(0, 6\), got range\(-1, 3\)"),
        (Random(), {"exemplars": 4}, r"exemplars must be a range .* got 4"),
        (Fewshot(shots=3), {"exemplars": range(3)}, "got shots=3 and n_exemplars=3"),
    ],
)
def test_setting_without_the_means_for_it_is_refused_in_one_line(kind, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        _draw(kind, **options)
    assert "\n" not in str(caught.value)
