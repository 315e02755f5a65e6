"""Sets of labels that training never shows, and the test that shows them alone.

Each chi-square test has a fixed seed and fails below p = 1e-6: of nine, another set of seeds would raise a false alarm
once in 110,000.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import chisquare

from icl_data import BatchSampler, ClassSplit, Fewshot

ALPHA = 1e-6
N = 20_000
SPLIT = ClassSplit(60, n_rare=40, n_common=10, n_holdout=10)


def pairs_of_labels(kind: Fewshot, **options) -> np.ndarray:
    """(N, ways) labels of the classes in a context of one round."""
    batch = BatchSampler(6, SPLIT, kind, **{"batch_size": N, "seed": 11, "n_labels": 5, **options})(0)
    return batch.label[:, :-1]


def counts_of_sets(labels: np.ndarray, n_labels: int) -> dict[tuple[int, ...], int]:
    found = dict.fromkeys(combinations(range(n_labels), labels.shape[1]), 0)
    sets, times = np.unique(np.sort(labels, axis=1), axis=0, return_counts=True)
    return found | {tuple(one): int(n) for one, n in zip(sets.tolist(), times.tolist(), strict=True)}


@pytest.mark.parametrize("protocol", ["paper", "released"])
def test_eight_of_ten_pairs_are_drawn_alike_and_two_never(protocol: str) -> None:
    """The design of Singh et al. (2024): five labels, of whose ten pairs two are held out."""
    kind = Fewshot(class_type="rare", shots=1, labeling="novel", heldout_label_sets=2)
    counts = counts_of_sets(pairs_of_labels(kind, protocol=protocol), 5)
    assert (counts.pop((0, 1)), counts.pop((2, 3))) == (0, 0)
    assert chisquare([*counts.values()]).pvalue > ALPHA


@pytest.mark.parametrize("protocol", ["paper", "released"])
def test_the_held_out_pairs_are_drawn_alike_and_no_other(protocol: str) -> None:
    kind = Fewshot(class_type="rare", shots=1, labeling="heldout", heldout_label_sets=2)
    counts = counts_of_sets(pairs_of_labels(kind, protocol=protocol), 5)
    drawn = {one: n for one, n in counts.items() if n}
    assert drawn.keys() == {(0, 1), (2, 3)}
    assert chisquare([*drawn.values()]).pvalue > ALPHA


@pytest.mark.parametrize("labeling", ["novel", "heldout"])
def test_either_class_has_the_larger_label_equally_often_and_is_the_querys(labeling: str) -> None:
    kind = Fewshot(class_type="rare", shots=1, labeling=labeling, heldout_label_sets=2)
    batch = BatchSampler(6, SPLIT, kind, batch_size=N, seed=4, n_labels=5)(0)
    larger = np.where(batch.label[:, 0] > batch.label[:, 1], batch.class_index[:, 0], batch.class_index[:, 1])
    other = batch.class_index[:, :2].sum(1) - larger
    query_is_larger = batch.class_index[:, 2] == larger
    assert chisquare(np.bincount(2 * (larger > other) + query_is_larger)).pvalue > ALPHA


@pytest.mark.parametrize(("ways", "held_out", "shown"), [(1, 3, 2), (3, 1, 9), (4, 1, 4)])
def test_of_any_size_all_other_sets_are_drawn(ways: int, held_out: int, shown: int) -> None:
    kind = Fewshot(class_type="rare", shots=1, ways=ways, labeling="novel", heldout_label_sets=held_out)
    counts = [n for n in counts_of_sets(pairs_of_labels(kind), 5).values() if n]
    assert len(counts) == shown
    assert chisquare(counts).pvalue > ALPHA


def test_without_held_out_sets_novel_labels_are_what_they_were() -> None:
    batch = BatchSampler(6, SPLIT, Fewshot(labeling="novel"), batch_size=4, seed=3)(0)
    assert batch.label[:, -1].tolist() == [0, 31, 18, 1]


@pytest.mark.parametrize(("ways", "n_labels", "held_out"), [(2, 5, 3), (2, 2, 1), (1, 4, 4), (3, 3, 1)])
@pytest.mark.parametrize("labeling", ["novel", "heldout"])
def test_sets_that_do_not_fit_or_leave_none_are_refused(labeling: str, ways: int, n_labels: int, held_out: int) -> None:
    kind = Fewshot(class_type="rare", ways=ways, labeling=labeling, heldout_label_sets=held_out)
    rule = f"sets of {ways} labels that fit into the {n_labels} labels and leave another set, got {held_out}"
    with pytest.raises(ValueError, match=rule):
        BatchSampler(6, SPLIT, kind, batch_size=1, seed=0, n_labels=n_labels)
