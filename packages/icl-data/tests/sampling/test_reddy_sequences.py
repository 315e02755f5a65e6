"""Tokens of Reddy (2023): positions, items, labels and answers, and the law that they follow.

Each test of a law has a fixed seed and fails below p = 1e-6: of about twenty, another set of seeds would raise a false
alarm once in 50,000.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest, chisquare, kstest

from icl_data import ReddySequences

ALPHA = 1e-6
N = 20_000
SMALL = {"n_classes": 64, "n_labels": 8, "dim": 20, "max_pairs": 12, "burst": 2, "batch_size": N, "seed": 4}


class Read:
    """What tokens say: where they stand, and of which class and label they are."""

    def __init__(self, step: int = 0, **settings: Any) -> None:
        self.made = ReddySequences(**SMALL | {"noise_scale": 0.0} | settings)
        self.tokens, self.answer = self.made(step)
        self.place, content = np.split(self.tokens, [self.made.width - self.made.source.example_shape[0]], axis=2)
        self.items, self.labels = content[:, ::2], content[:, 1::2]
        # By rank: class 0 is the most frequent one.
        self.rank = _nearest(self.items, self.made.source.means[self.made.split.trained[::-1]])
        self.label = _nearest(self.labels, self.made.label_vectors)


def _nearest(vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Numbers of the rows, -1 for what is none of them."""
    distances = (rows**2).sum(1) - 2 * vectors @ rows.T
    found = distances.argmin(-1)
    return np.where(np.abs(vectors - rows[found]).max(-1) < 1e-5, found, -1)


def is_uniform(values: np.ndarray, n: int) -> bool:
    return len(np.bincount(values)) <= n and chisquare(np.bincount(values, minlength=n)).pvalue > ALPHA


def follows(values: np.ndarray, law: np.ndarray) -> bool:
    return chisquare(np.bincount(values, minlength=len(law)), law * len(values)).pvalue > ALPHA


def test_the_papers_sizes_are_the_defaults() -> None:
    tokens, answer = ReddySequences()(0)
    assert tokens.shape == (128, 17, 128)
    assert (tokens.dtype, answer.dtype, answer.shape) == (np.float32, np.int64, (128,))


def test_positions_are_one_hot_follow_each_other_and_begin_anywhere_alike() -> None:
    place = Read().place
    assert ((place == 0) | (place == 1)).all()
    assert (place.sum(-1) == 1).all()
    where = place.argmax(-1)
    assert (np.diff(where, axis=1) == 1).all()
    assert is_uniform(where[:, 0], 9)  # 0 to 2 (12 - 8)


def test_a_context_of_all_positions_has_one_place() -> None:
    tokens, _ = ReddySequences(**SMALL | {"max_pairs": 8, "batch_size": 5})(0)
    np.testing.assert_array_equal(tokens[..., :17], np.broadcast_to(np.eye(17, dtype=np.float32), (5, 17, 17)))


def test_items_are_of_classes_with_their_labels_and_the_answer_is_the_last_ones() -> None:
    read = Read(zipf_exponent=1.0)
    assert (read.rank >= 0).all()
    own = (63 - read.rank) % 8  # classes count from the least frequent one
    assert (read.label == own[:, :-1]).all()
    assert (read.answer == own[:, -1]).all()


def test_every_rank_is_as_frequent_as_its_power_says() -> None:
    read = Read(zipf_exponent=1.5)
    law = np.arange(1, 65) ** -1.5
    for position in (0, 4, 8):
        assert follows(read.rank[:, position], law / law.sum())


def test_each_drawn_class_appears_as_often_as_the_burst_and_the_target_is_of_any_position() -> None:
    rank = Read().rank
    times = (rank[:, :-1] == rank[:, -1:]).sum(1)
    assert set(times.tolist()) <= {2, 4, 6, 8}
    # The target is of one draw of four; each of the others is of its class with probability 1/64.
    law = np.array([(63 / 64) ** 3, 3 * 63**2 / 64**3, 3 * 63 / 64**3 + 1 / 64**3])
    assert follows(np.minimum(times // 2 - 1, 2), law)
    once = np.flatnonzero(times == 2)
    where = (rank[once, :-1] == rank[once, -1:]).nonzero()[1]
    assert is_uniform(where, 8)


def test_of_sequences_that_are_not_bursty_the_target_is_not_tied_to_the_context() -> None:
    for settings in ({"burst": 0}, {"p_bursty": 0.0}):
        rank = Read(**settings).rank
        shown = (rank[:, :-1] == rank[:, -1:]).any(1)
        assert binomtest(int(shown.sum()), N, 1 - (63 / 64) ** 8).pvalue > ALPHA


def test_a_share_of_sequences_is_bursty() -> None:
    rank = Read(p_bursty=0.3).rank
    shown = (rank[:, :-1] == rank[:, -1:]).any(1)
    assert binomtest(int(shown.sum()), N, 0.3 + 0.7 * (1 - (63 / 64) ** 8)).pvalue > ALPHA


def test_contexts_of_distinct_labels_repeat_none_and_show_all_classes_alike() -> None:
    read = Read(zipf_exponent=2.0, distinct_labels=True)
    assert all(len(set(row)) == 4 for row in read.label.tolist())
    for position in (0, 8):
        assert is_uniform(read.rank[:, position], 64)


def test_new_classes_are_a_share_of_their_own_and_of_their_batch_alone() -> None:
    read, after = Read(p_new=0.3, batch_size=2000), Read(1, p_new=0.3, batch_size=2000)
    is_new = read.rank < 0
    assert (is_new.any(1) == is_new.all(1)).all()
    assert binomtest(int(is_new[:, 0].sum()), 2000, 0.3).pvalue > ALPHA
    new, later = read.items[is_new], after.items[after.rank < 0]
    assert not set(map(bytes, new)) & set(map(bytes, later))
    assert (read.label >= 0).all()
    # Any two items of one new class have one label.
    answers = {}
    context = is_new[:, :-1]
    for item, label in zip(map(bytes, read.items[:, :-1][context]), read.label[context].tolist(), strict=True):
        assert answers.setdefault(item, label) == label
    # A class of the pool is missed by about 600 * 4 draws from 2,000 with probability .30.
    assert len(answers) > 1200


def test_items_vary_around_their_class_as_the_noise_says_with_a_length_near_one() -> None:
    read = Read(noise_scale=0.5)
    still = Read()
    assert (read.tokens[..., :25] == still.tokens[..., :25]).all()
    eta = (read.items * 1.25**0.5 - still.items) * 20**0.5 / 0.5
    assert kstest(eta.reshape(-1)[:200_000], "norm").pvalue > ALPHA
    assert abs(np.corrcoef(eta[:, 0, 0], eta[:, 8, 0])[0, 1]) < 5 / N**0.5  # the target is a fresh draw


def test_vectors_of_classes_and_labels_are_normal_with_a_variance_of_one_over_the_dimensions() -> None:
    made = ReddySequences(n_classes=2048, n_labels=1024)
    for vectors in (made.source.means, made.label_vectors):
        assert kstest(vectors.reshape(-1) * 63**0.5, "norm").pvalue > ALPHA


def test_shifted_labels_are_the_same_sequences_with_each_label_moved_on() -> None:
    plain, shifted = Read(), Read(shift=1)
    np.testing.assert_array_equal(plain.items, shifted.items)
    np.testing.assert_array_equal((plain.label + 1) % 8, shifted.label)
    np.testing.assert_array_equal((plain.answer + 1) % 8, shifted.answer)


def test_a_batch_is_a_function_of_seed_stream_and_step() -> None:
    settings = {**SMALL, "batch_size": 40, "p_new": 0.5, "zipf_exponent": 1.0}
    one, same = ReddySequences(**settings), ReddySequences(**settings)
    same(3)
    for first, second in zip(one(7), same(7), strict=True):
        np.testing.assert_array_equal(first, second)
    for other in (ReddySequences(**settings | {"seed": 5}), ReddySequences(**settings, stream="test")):
        assert not np.array_equal(other(7)[0], one(7)[0])
    assert not np.array_equal(one(8)[0], one(7)[0])


def test_streams_of_a_seed_share_their_vectors_and_those_of_two_seeds_do_not() -> None:
    train, test = ReddySequences(**SMALL, stream="train"), ReddySequences(**SMALL, stream="icl")
    other = ReddySequences(**SMALL | {"seed": 5})
    np.testing.assert_array_equal(train.label_vectors, test.label_vectors)
    np.testing.assert_array_equal(train.source.means, test.source.means)
    np.testing.assert_array_equal(train.split.trained, test.split.trained)
    assert not np.allclose(train.label_vectors, other.label_vectors)


def test_what_is_done_to_a_batch_reaches_no_other() -> None:
    made = ReddySequences(**SMALL | {"batch_size": 9})
    tokens, answer = made(0)
    expected = tokens.copy(), answer.copy()
    tokens[:], answer[:] = 0, 0
    for found, wanted in zip(made(0), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pairs": 33}, "pairs must be in 1..max_pairs, got pairs=33 and max_pairs=32"),
        ({"pairs": 0}, "pairs must be in 1..max_pairs, got pairs=0"),
        ({"burst": 3}, "burst must be 0 or divide pairs, got burst=3 and pairs=8"),
        ({"burst": -1}, "burst must be 0 or divide pairs, got burst=-1"),
        ({"burst": 0, "p_new": 0.5}, "p_new and distinct_labels need a burst of at least 1, got p_new=0.5"),
        ({"burst": 0, "distinct_labels": True}, "need a burst of at least 1, got .*distinct_labels=True with burst=0"),
        ({"shift": 0.5}, "shift must be an integer, got 0.5"),
        ({"p_bursty": 2}, r"p_bursty must be in \[0, 1\], got 2"),
        ({"n_labels": 0}, "n_labels must be at least 1, got 0"),
        ({"n_labels": 4, "distinct_labels": True}, "distinct_labels needs 8 labels among the zipfian classes, got 4"),
        ({"noise_scale": -1}, "noise_scale must be >= 0 and finite, got -1"),
        ({"seed": -1}, "seed must be >= 0, got -1"),
    ],
)
def test_a_law_that_cannot_be_is_refused_in_one_line(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        ReddySequences(**settings)
    assert "\n" not in str(caught.value)


def test_a_step_before_the_first_is_refused() -> None:
    with pytest.raises(ValueError, match="step must be >= 0, got -1"):
        ReddySequences()(-1)
