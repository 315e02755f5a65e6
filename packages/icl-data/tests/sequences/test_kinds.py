"""Kinds of sequence are checked when they are made."""

from __future__ import annotations

import pytest

from icl_data import Bursty, Fewshot, Mixed, NoSupport, Random
from icl_data._sequences.labeling import Labeling, parse_labeling


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (Bursty, {"p_bursty": 1.3}, r"p_bursty must be in \[0, 1\], got 1.3"),
        (Bursty, {"p_bursty_common": -0.1}, r"p_bursty_common must be in \[0, 1\], got -0.1"),
        (Bursty, {"p_bursty_common": 0.5}, "must be at most 1, got 1.5"),
        (Bursty, {"seq_len": 6}, r"seq_len must be at least shots \* ways \+ 1 = 7, got 6"),
        (Bursty, {"shots": 3.0}, r"shots must be an integer, got 3\.0"),
        (Bursty, {"seq_len": 9.0}, r"seq_len must be an integer, got 9\.0"),
        (NoSupport, {"seq_len": "9"}, "seq_len must be an integer, got '9'"),
        (Random, {"seq_len": 9.5}, r"seq_len must be an integer, got 9\.5"),
        (Fewshot, {"ways": 2.0}, r"ways must be an integer, got 2\.0"),
        (Fewshot, {"labeling": "novell"}, "unfixed, novel, heldout, ordered.* got 'novell'"),
        (Bursty, {"shots": 0}, "shots and ways must be at least 1, got shots=0"),
        (Bursty, {"non_bursty_type": "rare"}, "zipfian, common_uniform, common_no_support, got 'rare'"),
        (Bursty, {"labeling_common": "alphabetical"}, "labeling must be one of .* got 'alphabetical'"),
        (Bursty, {"labeling_rare": "unfixed"}, "got 'unfixed'"),
        (Bursty, {"labeling_common": "unfixed"}, "non-bursty .* got 'unfixed'"),
        (Bursty, {"labeling_rare": "novel"}, "must not be 'novel'"),
        (Bursty, {"label_noise": 1.5}, r"label_noise must be in \[0, 1\], got 1.5"),
        (Bursty, {"p_relabel": -1}, r"p_relabel must be in \[0, 1\], got -1"),
        (Bursty, {"p_relabel": 0.5, "seq_len": 7, "labeling_rare": "unfixed"}, "p_relabel must be 0 .* got 0.5"),
        (Bursty, {"context_order": "sorted"}, "shuffled, grouped, blocked, query_first, query_last, got 'sorted'"),
        (Bursty, {"query_exemplar": "old"}, "query_exemplar must be one of new, copy, got 'old'"),
        (NoSupport, {"class_type": "frequent"}, "class_type must be one of rare, common, zipfian, holdout"),
        (NoSupport, {"seq_len": 1}, "seq_len must be at least 2, got 1"),
        (NoSupport, {"labeling": "unfixed"}, "only few-shot"),
        (Random, {"seq_len": 0}, "seq_len must be at least 1, got 0"),
        (Random, {"label_noise": -0.1}, r"label_noise must be in \[0, 1\], got -0.1"),
        (Random, {"labeling": "novel"}, "only few-shot"),
        (Random, {"labeling": "heldout"}, "only few-shot"),
        (Fewshot, {"labeling": "heldout"}, "labeling 'heldout' needs heldout_label_sets of at least 1, got 0"),
        (Fewshot, {"heldout_label_sets": 2}, "heldout_label_sets needs labeling 'novel' or 'heldout', got 2 with 'unf"),
        (Fewshot, {"labeling": "novel", "heldout_label_sets": -1}, "heldout_label_sets must be at least 0, got -1"),
        (Fewshot, {"labeling": "novel", "heldout_label_sets": 1.5}, "heldout_label_sets must be an integer, got 1.5"),
        (Random, {"labeling": "ordered_polysemy0"}, "labeling must be one of"),
        (Random, {"labeling": "ordered_polysemy00"}, "labeling must be one of"),
        (Random, {"labeling": None}, "labeling must be the name of one, got None"),
        (Bursty, {"p_bursty": "0.9"}, r"p_bursty must be in \[0, 1\], got '0.9'"),
        (Fewshot, {"ways": 0}, "ways=0"),
        (Fewshot, {"class_type": "test"}, "got 'test'"),
        (Fewshot, {"context_order": "random"}, "context_order must be one of .* got 'random'"),
        (Fewshot, {"query_exemplar": "same"}, "got 'same'"),
        (Fewshot, {"grouped": True, "context_order": "blocked"}, "must be 'grouped' or left out .* got 'blocked'"),
        (Mixed, {"p_fewshot": 2}, r"p_fewshot must be in \[0, 1\], got 2"),
    ],
)
def test_wrong_argument_is_refused_by_name_and_value(kind: type, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        kind(**arguments)
    assert "\n" not in str(caught.value)


def test_unfixed_rare_labels_are_allowed_where_only_the_bursty_part_has_them() -> None:
    Bursty(labeling_rare="unfixed", p_bursty_zipfian=0.0)
    Bursty(labeling_rare="unfixed", seq_len=7)


@pytest.mark.parametrize(
    ("kind", "length"),
    [
        (Bursty(seq_len=12), 12),
        (NoSupport(), 9),
        (Random(), 9),
        (Fewshot(shots=2, ways=5), 11),
        (Mixed(shots=1, ways=1), 2),
    ],
)
def test_every_kind_knows_its_length(kind, length: int) -> None:
    assert kind.seq_len == length


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ordered", Labeling(rule="ordered")),
        ("ordered40", Labeling(rule="ordered", offset=40)),
        ("ordered_polysemy5", Labeling(rule="ordered", polysemy=5)),
        ("ordered3_polysemy2", Labeling(rule="ordered", offset=3, polysemy=2)),
        ("original", Labeling(rule="original")),
    ],
)
def test_labelings_are_read_into_shift_and_labels_per_class(name: str, expected: Labeling) -> None:
    assert parse_labeling(name) == expected
