"""What holds for every batch of every kind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_data import (
    ArraySource,
    BatchSampler,
    Bursty,
    ClassSplit,
    Fewshot,
    Mixed,
    NoSupport,
    Random,
    SequenceBatch,
    SymbolicSource,
)

FIELDS = ("class_index", "exemplar_index", "label", "is_rare")
PROTOCOL = st.sampled_from(["paper", "released"])
ORDERED = st.sampled_from(["ordered", "original", "ordered7", "ordered_polysemy3"])


@st.composite
def splits(draw) -> ClassSplit:
    sizes = [draw(st.integers(9, 30)) for _ in range(3)]
    keys = np.arange(sum(sizes)) * 2 + 5
    exponent = draw(st.sampled_from([0.0, 1.0, 2.5]))
    return ClassSplit(keys, n_rare=sizes[0], n_common=sizes[1], n_holdout=sizes[2], zipf_exponent=exponent)


@st.composite
def bursty(draw) -> Bursty:
    shots, ways = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    p_common = draw(st.sampled_from([0.0, 0.3]))
    return Bursty(
        seq_len=shots * ways + 1 + draw(st.integers(0, 3)) if shots * ways < 9 else 10,
        shots=shots,
        ways=ways,
        p_bursty=draw(st.sampled_from([0.0, 0.5, 1.0])),
        p_bursty_common=p_common,
        p_bursty_zipfian=draw(st.sampled_from([0.0, 1 - p_common])),
        non_bursty_type=draw(st.sampled_from(["zipfian", "common_uniform"])),
        labeling_common=draw(ORDERED),
        labeling_rare=draw(ORDERED),
    )


TYPES = st.sampled_from(["rare", "common", "zipfian", "holdout"])
KINDS = st.one_of(
    bursty(),
    st.builds(NoSupport, class_type=TYPES, seq_len=st.integers(2, 9), all_unique=st.booleans(), labeling=ORDERED),
    st.builds(Random, class_type=TYPES, seq_len=st.integers(1, 9), all_unique=st.booleans(), labeling=ORDERED),
    st.builds(
        Fewshot,
        class_type=TYPES,
        shots=st.integers(1, 3),
        ways=st.integers(1, 4),
        labeling=st.one_of(ORDERED, st.just("unfixed"), st.just("novel")),
        grouped=st.booleans(),
    ),
    st.builds(Mixed, shots=st.integers(1, 3), ways=st.integers(1, 3), p_fewshot=st.sampled_from([0.0, 0.4, 1.0])),
)


def _equal(first: SequenceBatch, second: SequenceBatch) -> bool:
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in FIELDS)


def _sampler(split: ClassSplit, kind, **changes) -> BatchSampler:
    return BatchSampler(5, split, kind, **{"batch_size": 32, "seed": 3, **changes})


@given(splits(), KINDS, PROTOCOL)
@settings(deadline=None)
def test_shapes_ranges_and_dtypes(split: ClassSplit, kind, protocol) -> None:
    sampler = _sampler(split, kind, protocol=protocol)
    batch = sampler(2)
    for name in FIELDS:
        values = getattr(batch, name)
        assert values.shape == (32, kind.seq_len)
        assert values.dtype == np.int32
        assert values.min() >= 0
    assert batch.class_index.max() < split.n_classes
    assert batch.exemplar_index.max() < 5
    assert batch.label.max() < sampler.num_labels
    assert batch.is_rare.max() <= 1


@given(splits(), KINDS, PROTOCOL)
@settings(deadline=None)
def test_only_classes_of_the_type_occur(split: ClassSplit, kind, protocol) -> None:
    class_type = getattr(kind, "class_type", "zipfian")
    assert np.isin(_sampler(split, kind, protocol=protocol)(0).class_index, split.classes(class_type)).all()


@given(splits(), bursty(), PROTOCOL)
@settings(deadline=None)
def test_holdout_classes_never_occur_in_training(split: ClassSplit, kind: Bursty, protocol) -> None:
    assert not np.isin(_sampler(split, kind, protocol=protocol)(0).class_index, split.holdout).any()


@given(splits(), KINDS, PROTOCOL)
@settings(deadline=None)
def test_marked_rare_positions_hold_rare_classes(split: ClassSplit, kind, protocol) -> None:
    batch = _sampler(split, kind, protocol=protocol)(0)
    assert np.isin(batch.class_index[batch.is_rare == 1], split.rare).all()


@given(splits(), st.sampled_from(["rare", "zipfian"]), st.booleans(), PROTOCOL)
@settings(deadline=None)
def test_query_class_is_never_supported_in_no_support(split: ClassSplit, class_type, all_unique, protocol) -> None:
    kind = NoSupport(class_type=class_type, all_unique=all_unique)
    batch = _sampler(split, kind, protocol=protocol, batch_size=256)(0)
    assert (batch.class_index[:, :-1] != batch.class_index[:, -1:]).all()


@given(splits(), KINDS, PROTOCOL, st.integers(0, 100))
@settings(deadline=None)
def test_batch_is_a_function_of_seed_stream_and_step(split: ClassSplit, kind, protocol, step: int) -> None:
    one, two = _sampler(split, kind, protocol=protocol), _sampler(split, kind, protocol=protocol)
    two(step + 50)
    assert _equal(one(step), two(step))


@given(splits(), st.integers(1, 700), st.integers(0, 5))
@settings(deadline=None, max_examples=25)
def test_stream_does_not_depend_on_the_batch_size(split: ClassSplit, batch_size: int, step: int) -> None:
    sequences = _sampler(split, Bursty(), batch_size=6 * 700)(0)
    batch = _sampler(split, Bursty(), batch_size=batch_size)(step)
    assert _equal(batch, sequences[step * batch_size : (step + 1) * batch_size])


@pytest.mark.parametrize("change", [{"seed": 4}, {"stream": "eval"}])
def test_another_seed_or_stream_gives_other_sequences(change: dict) -> None:
    split = ClassSplit(40, n_rare=20, n_common=10, n_holdout=10)
    assert not _equal(_sampler(split, Bursty())(0), _sampler(split, Bursty(), **change)(0))


def test_changing_a_batch_does_not_change_the_stream() -> None:
    split = ClassSplit(40, n_rare=20, n_common=10, n_holdout=10)
    sampler = _sampler(split, Bursty())
    expected = sampler(0).label.copy()
    sampler(0).label[...] = -1
    np.testing.assert_array_equal(sampler(0).label, expected)


@given(splits(), KINDS)
@settings(deadline=None)
def test_paper_never_shows_one_drawing_twice_while_there_are_others(split: ClassSplit, kind) -> None:
    batch = BatchSampler(20, split, kind, batch_size=64, seed=0)(0)
    drawings = batch.class_index.astype(np.int64) * 20 + batch.exemplar_index
    assert all(len(set(row)) == len(row) for row in drawings.tolist())


@given(splits(), st.integers(2, 5), st.sampled_from(["zipfian", "holdout"]))
@settings(deadline=None)
def test_paper_fewshot_classes_are_distinct(split: ClassSplit, ways: int, class_type: str) -> None:
    batch = _sampler(split, Fewshot(class_type=class_type, shots=2, ways=ways), batch_size=128)(0)
    for classes, labels in zip(batch.class_index.tolist(), batch.label.tolist(), strict=True):
        assert len(set(classes[:-1])) == ways
        assert len(set(zip(classes, labels, strict=True))) == ways


@given(splits(), st.booleans())
@settings(deadline=None)
def test_paper_no_support_sequences_have_nine_distinct_classes(split: ClassSplit, all_unique: bool) -> None:
    batch = _sampler(split, NoSupport(all_unique=all_unique), batch_size=128)(0)
    assert all(len(set(row)) == 9 for row in batch.class_index.tolist())


@given(splits())
@settings(deadline=None)
def test_bursty_context_shows_two_classes_three_times_one_of_them_the_query(split: ClassSplit) -> None:
    batch = _sampler(split, Bursty(p_bursty=1.0), batch_size=128)(0)
    for row in batch.class_index.tolist():
        context = row[:-1]
        repeated = [value for value in set(context) if context.count(value) >= 3]
        assert len(repeated) == 2
        assert row[-1] in repeated


@given(splits(), st.integers(2, 5), st.sampled_from([0.0, 0.5, 1.0]))
@settings(deadline=None)
def test_paper_polysemy_gives_a_class_its_own_labels_and_one_per_sequence(split, polysemy: int, p_bursty) -> None:
    kind = Bursty(labeling_rare=f"ordered_polysemy{polysemy}", p_bursty=p_bursty)
    sampler = _sampler(split, kind, batch_size=128)
    batch = sampler(0)
    place = np.argsort(split.trained)[np.searchsorted(np.sort(split.trained), batch.class_index)]
    np.testing.assert_array_equal(batch.label // polysemy, place)
    assert sampler.num_labels == polysemy * len(split.trained)
    for classes, labels in zip(batch.class_index.tolist(), batch.label.tolist(), strict=True):
        assert len(set(zip(classes, labels, strict=True))) == len(set(classes))


@given(splits(), st.integers(1, 40))
@settings(deadline=None)
def test_shared_labels_are_the_trained_position_modulo_their_number(split: ClassSplit, n_labels: int) -> None:
    sampler = _sampler(split, Bursty(), n_labels=n_labels)
    batch = sampler(0)
    place = np.argsort(split.trained)[np.searchsorted(np.sort(split.trained), batch.class_index)]
    np.testing.assert_array_equal(batch.label, place % n_labels)
    assert sampler.num_labels == min(n_labels, len(split.trained))


def test_novel_labels_are_distinct_and_cover_the_labels_of_trained_classes() -> None:
    split = ClassSplit(40, n_rare=20, n_common=10, n_holdout=10)
    sampler = _sampler(split, Fewshot(labeling="novel"), batch_size=2000)
    labels = sampler(0).label
    assert set(labels.ravel().tolist()) == set(range(30))
    assert all(len(set(row[:-1])) == 2 for row in labels.tolist())
    assert sampler.num_labels == 30


def test_grouped_context_shows_every_class_once_in_each_group() -> None:
    split = ClassSplit(40, n_rare=20, n_common=10, n_holdout=10)
    labels = _sampler(split, Fewshot(shots=3, ways=4, grouped=True))(0).label[:, :-1].reshape(-1, 4)
    np.testing.assert_array_equal(np.sort(labels, axis=1), np.tile(np.arange(4), (len(labels), 1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"protocol": "draft"}, "paper, released, got 'draft'"),
        ({"batch_size": 0}, "batch_size must be >= 1"),
        ({"seed": -1}, "seed >= 0"),
        ({"batch_size": 2.5}, r"batch_size must be an integer, got 2\.5"),
        ({"seed": None}, "seed must be an integer, got None"),
        ({"n_labels": 4.0}, r"n_labels must be an integer, got 4\.0"),
        ({"n_labels": 0}, "n_labels must be at least 1"),
        ({"n_labels": 4, "kind": Bursty(labeling_rare="ordered_polysemy2")}, "labeling 'ordered' only"),
        ({"kind": Fewshot(ways=11)}, "at least 11 holdout classes, got 10"),
        ({"kind": Fewshot(labeling="novel"), "n_labels": 1}, "2 novel labels must fit"),
        ({"kind": Bursty(non_bursty_type="common_no_support", seq_len=12)}, "at least 12 common classes, got 10"),
        ({"source_or_n_exemplars": 0}, "n_exemplars must be at least 1"),
        ({"source_or_n_exemplars": 4}, "got shots=4 and n_exemplars=4"),
        ({"source_or_n_exemplars": SymbolicSource(39)}, "the source's 39 classes, got a split of 40"),
    ],
)
def test_impossible_sampler_is_refused_at_construction(arguments: dict, message: str) -> None:
    split = ClassSplit(40, n_rare=20, n_common=10, n_holdout=10)
    defaults = {"source_or_n_exemplars": 1, "split": split, "kind": Fewshot(), "batch_size": 2, "seed": 0}
    values = {**defaults, **arguments}
    with pytest.raises(ValueError, match=message):
        BatchSampler(values.pop("source_or_n_exemplars"), values.pop("split"), values.pop("kind"), **values)


def test_another_thread_cannot_change_a_batch_halfway() -> None:
    """Each look at the kept block may find the one that another thread has just put there."""
    split = ClassSplit(40, n_rare=20, n_common=10, n_holdout=10)
    sampler = _sampler(split, Bursty(), batch_size=1024)
    expected, other = sampler(0), sampler(1).label

    class Switching(tuple):
        def __getitem__(self, item):
            sampler._last = (0, np.stack([other] * 4))
            return super().__getitem__(item)

    sampler(0)
    sampler._last = Switching(sampler._last)
    np.testing.assert_array_equal(sampler(0).label, expected.label)


def test_negative_step_is_refused() -> None:
    split = ClassSplit(40, n_rare=20, n_common=10, n_holdout=10)
    with pytest.raises(ValueError, match="step must be >= 0, got -1"):
        _sampler(split, Bursty())(-1)


def test_source_gives_the_number_of_exemplars() -> None:
    source = ArraySource(np.zeros((40, 7, 3)))
    split = ClassSplit(source.class_keys, n_rare=20, n_common=10, n_holdout=10)
    batch = BatchSampler(source, split, Random(), batch_size=500, seed=0)(0)
    assert set(batch.exemplar_index.ravel().tolist()) == set(range(7))
