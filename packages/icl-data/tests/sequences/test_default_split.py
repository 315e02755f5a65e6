"""Splits that suit a source and a kind of sequence, whatever their sizes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icl_data import Bursty, Fewshot, Mixed, NoSupport, Random, SymbolicSource
from icl_data._sequences.default_split import default_split
from icl_data._sequences.feasibility import check_feasible

KINDS = [Bursty(), NoSupport(), Random(), Fewshot(), Mixed(), Fewshot(class_type="common", ways=4), Fewshot(ways=12)]
LEAST = [2, 9, 1, 2, 3, 4, 12]


def _sizes(split) -> tuple[int, int, int]:
    return split.n_rare, split.n_common, split.n_holdout


def test_many_classes_leave_ten_common_and_ten_holdout_ones() -> None:
    assert _sizes(default_split(SymbolicSource(1623), Bursty(), distinct=True)) == (1603, 10, 10)


def test_few_classes_leave_a_fifth_each() -> None:
    assert _sizes(default_split(SymbolicSource(20), Bursty(), distinct=True)) == (12, 4, 4)


@pytest.mark.parametrize(("kind", "least"), list(zip(KINDS, LEAST, strict=True)))
@given(more=st.integers(0, 70))
def test_every_source_that_is_large_enough_gets_a_split_that_does(kind, least: int, more: int) -> None:
    split = default_split(SymbolicSource(least + more), kind, distinct=True)
    check_feasible(kind, split, distinct=True)
    assert sum(_sizes(split)) == least + more


def test_given_sizes_stay_and_the_others_make_room() -> None:
    assert _sizes(default_split(SymbolicSource(20), Bursty(), distinct=True, n_rare=18)) == (18, 0, 2)
    assert _sizes(default_split(SymbolicSource(20), Bursty(), distinct=True, n_holdout=0)) == (16, 4, 0)


def test_given_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="n_rare=30, n_common=0, n_holdout=0, n_classes=20"):
        default_split(SymbolicSource(20), Bursty(), distinct=True, n_rare=30)
