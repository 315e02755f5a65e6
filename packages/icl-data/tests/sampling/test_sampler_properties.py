"""What holds for every batch of every kind, over all settings."""

from __future__ import annotations

import copy
import hashlib
import os
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import event, given, reject, settings
from hypothesis import strategies as st
from sequence_promises import PROMISES, Drawn
from sequence_settings import Settings, any_settings, settings_of

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
SPLIT = ClassSplit(40, n_rare=20, n_common=10, n_holdout=10)


def _equal(first: SequenceBatch, second: SequenceBatch) -> bool:
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in FIELDS)


def _sampler(split: ClassSplit, kind, **changes) -> BatchSampler:
    return BatchSampler(5, split, kind, **{"batch_size": 32, "seed": 3, **changes})


def _feasible(found: Settings, **changes) -> BatchSampler:
    try:
        return found.batch_sampler(**changes)
    except ValueError:
        reject()


@given(any_settings())
@settings(deadline=None, max_examples=300)
def test_any_settings_are_refused_in_one_line_or_draw_twenty_batches_that_keep_every_promise(found: Settings) -> None:
    sampler, refusal = _attempt(found)
    event("refused" if sampler is None else "drawn")
    if sampler is None:
        assert len(refusal.splitlines()) == 1
        return
    for step in range(20):
        for promise in PROMISES:
            promise(Drawn.by(sampler, step))


def _attempt(found: Settings) -> tuple[BatchSampler | None, str]:
    try:
        return found.batch_sampler(), ""
    except ValueError as error:
        return None, str(error)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
@given(found=settings_of(), step=st.integers(0, 2**40))
@settings(deadline=None, max_examples=50)
def test_batch_keeps_its_promise(promise, found: Settings, step: int) -> None:
    promise(Drawn.by(_feasible(found), step))


@given(settings_of())
@settings(deadline=None, max_examples=50)
def test_labels_are_below_the_number_of_labels(found: Settings) -> None:
    sampler = _feasible(found)
    label = sampler(0).label
    assert label.min() >= 0
    assert label.max() < sampler.num_labels


@given(settings_of(), st.lists(st.integers(0, 200), min_size=1, max_size=4), st.integers(0, 200))
@settings(deadline=None, max_examples=50)
def test_batch_does_not_depend_on_the_batches_drawn_before(found: Settings, before: list[int], step: int) -> None:
    fresh, used = _feasible(found), _feasible(found)
    for other in before:
        used(other)
    assert _equal(fresh(step), used(step))


@given(settings_of(), st.integers(0, 200))
@settings(deadline=None, max_examples=50)
def test_pickled_or_copied_sampler_draws_the_same(found: Settings, step: int) -> None:
    sampler = _feasible(found)
    fresh = pickle.loads(pickle.dumps(sampler))
    expected = sampler(step)
    used = pickle.loads(pickle.dumps(sampler))
    assert all(_equal(other(step), expected) for other in (fresh, used, copy.deepcopy(sampler)))


@given(settings_of(), st.integers(1, 700), st.integers(0, 5))
@settings(deadline=None, max_examples=25)
def test_stream_does_not_depend_on_the_batch_size(found: Settings, batch_size: int, step: int) -> None:
    if found.kind.get("p_new"):
        reject()  # new classes are a batch's
    sequences = _feasible(found, batch_size=6 * 700)(0)
    batch = _feasible(found, batch_size=batch_size)(step)
    assert _equal(batch, sequences[step * batch_size : (step + 1) * batch_size])


@given(settings_of(), st.integers(0, 200))
@settings(deadline=None, max_examples=50)
def test_another_seed_stream_or_step_gives_other_sequences(found: Settings, step: int) -> None:
    """Where classes are many and about equally frequent, 32 sequences never come out twice."""
    found = replace(found, split={**found.split, "zipf_exponent": 0.0}, kind=_of_length_two_and_more(found))
    sampler = _feasible(found, batch_size=32, seed=1, stream="one")
    batch = sampler(step)
    assert not _equal(batch, sampler(step + 1))
    assert not _equal(batch, _feasible(found, batch_size=32, seed=2, stream="one")(step))
    assert not _equal(batch, _feasible(found, batch_size=32, seed=1, stream="two")(step))


def _of_length_two_and_more(found: Settings) -> dict:
    return {**found.kind, "seq_len": max(found.kind["seq_len"], 2)} if "seq_len" in found.kind else found.kind


KNOBS = {
    "bursty": Bursty(p_bursty=0.5, p_relabel=0.3, label_noise=0.2, query_exemplar="copy", context_order="grouped"),
    "no support": NoSupport(),
    "random": Random(labeling="ordered_polysemy2", label_noise=0.1),
    "fewshot": Fewshot(labeling="novel", context_order="query_last"),
    "mixed": Mixed(),
}
IN_A_NEW_PROCESS = """
import hashlib, pickle, sys
for sampler in pickle.load(sys.stdin.buffer):
    batch = sampler(1000)
    print(hashlib.sha256(b"".join(field.tobytes() for field in batch.to_numpy().values())).hexdigest())
"""


def test_a_new_process_draws_the_same() -> None:
    split = ClassSplit(40, n_rare=20, n_common=10, n_holdout=10, zipf_exponent=1.0)
    samplers = [
        _sampler(split, kind, protocol=protocol) for kind in KNOBS.values() for protocol in ("paper", "released")
    ]
    arrays = [sampler(1000).to_numpy().values() for sampler in samplers]
    expected = [hashlib.sha256(b"".join(field.tobytes() for field in fields)).hexdigest() for fields in arrays]
    other = {**os.environ, "PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", IN_A_NEW_PROCESS]
    found = subprocess.run(command, input=pickle.dumps(samplers), capture_output=True, check=True, env=other)
    assert found.stdout.decode().split() == expected


@pytest.mark.parametrize("change", [{"seed": 4}, {"stream": "eval"}])
@pytest.mark.parametrize("name", KNOBS)
def test_every_kind_differs_between_seeds_and_streams(name: str, change: dict) -> None:
    assert not _equal(_sampler(SPLIT, KNOBS[name])(0), _sampler(SPLIT, KNOBS[name], **change)(0))


def test_changing_a_batch_does_not_change_the_stream() -> None:
    sampler = _sampler(SPLIT, Bursty())
    expected = sampler(0).label.copy()
    sampler(0).label[...] = -1
    np.testing.assert_array_equal(sampler(0).label, expected)


@pytest.mark.parametrize("step", [np.int8(100), np.int32(2**30), np.uint64(3)])
def test_small_integers_of_numpy_are_steps_like_all_others(step: np.integer) -> None:
    sampler = _sampler(SPLIT, Bursty())
    assert _equal(sampler(step), sampler(int(step)))


@pytest.mark.parametrize("protocol", ["paper", "released"])
def test_shares_too_small_for_a_block_to_have_any_are_drawn_all_the_same(protocol) -> None:
    kind = Bursty(p_bursty=0.999, non_bursty_type="common_no_support", p_bursty_common=1e-9, p_bursty_zipfian=1 - 1e-9)
    sampler = _sampler(SPLIT, kind, protocol=protocol, batch_size=20_000)
    supported = (sampler(0).class_index[:, :-1] == sampler(0).class_index[:, -1:]).any(axis=1)
    # 20 unsupported queries are expected, none in one of 3 blocks of 1,024; none at all in one of 5e8 seeds.
    assert not supported.all()


@st.composite
def splits(draw: st.DrawFn) -> ClassSplit:
    sizes = [draw(st.integers(9, 30)) for _ in range(3)]
    keys = np.arange(sum(sizes)) * 2 + 5
    exponent = draw(st.sampled_from([0.0, 1.0, 2.5]))
    return ClassSplit(keys, n_rare=sizes[0], n_common=sizes[1], n_holdout=sizes[2], zipf_exponent=exponent)


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
    sampler = _sampler(SPLIT, Fewshot(labeling="novel"), batch_size=2000)
    labels = sampler(0).label
    assert set(labels.ravel().tolist()) == set(range(30))
    assert all(len(set(row[:-1])) == 2 for row in labels.tolist())
    assert sampler.num_labels == 30


def test_grouped_context_shows_every_class_once_in_each_group() -> None:
    labels = _sampler(SPLIT, Fewshot(shots=3, ways=4, grouped=True))(0).label[:, :-1].reshape(-1, 4)
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
        ({"kind": Random(labeling=f"ordered{2**31}")}, r"from 0 to 2\*\*31 - 1, got 0 to .* 'ordered2147483648'"),
        ({"kind": Random(labeling=f"ordered_polysemy{2**30}")}, r"from 0 to 2\*\*31 - 1"),
        (
            {"split": ClassSplit(np.arange(-9, 31), n_rare=40, n_common=0), "kind": Random(labeling="original")},
            "got -9 to",
        ),
        ({"source_or_n_exemplars": 0}, "n_exemplars must be at least 1"),
        ({"source_or_n_exemplars": 4}, "got shots=4 and n_exemplars=4"),
        ({"source_or_n_exemplars": SymbolicSource(39)}, "the source's 39 classes, got a split of 40"),
    ],
)
def test_impossible_sampler_is_refused_at_construction(arguments: dict, message: str) -> None:
    defaults = {"source_or_n_exemplars": 1, "split": SPLIT, "kind": Fewshot(), "batch_size": 2, "seed": 0}
    values = {**defaults, **arguments}
    with pytest.raises(ValueError, match=message):
        BatchSampler(values.pop("source_or_n_exemplars"), values.pop("split"), values.pop("kind"), **values)


def test_another_thread_cannot_change_a_batch_halfway() -> None:
    """Each look at the kept block may find the one that another thread has just put there."""
    sampler = _sampler(SPLIT, Bursty(), batch_size=1024)
    expected, other = sampler(0), sampler(1).label

    class Switching(tuple):
        def __getitem__(self, item):
            sampler._last = (0, np.stack([other] * 4))
            return super().__getitem__(item)

    sampler(0)
    sampler._last = Switching(sampler._last)
    np.testing.assert_array_equal(sampler(0).label, expected.label)


@pytest.mark.parametrize(
    ("step", "message"), [(-1, "step must be >= 0, got -1"), (1.0, "step must be an integer, got 1")]
)
def test_step_that_is_none_is_refused(step: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _sampler(SPLIT, Bursty())(step)


def test_share_of_zero_needs_neither_classes_nor_exemplars_for_its_part() -> None:
    split = ClassSplit(40, n_rare=0, n_common=40)
    assert BatchSampler(3, split, Mixed(shots=4, p_fewshot=0.0), batch_size=2, seed=0)(0).label.shape == (2, 9)


def test_source_gives_the_number_of_exemplars() -> None:
    source = ArraySource(np.zeros((40, 7, 3)))
    split = ClassSplit(source.class_keys, n_rare=20, n_common=10, n_holdout=10)
    batch = BatchSampler(source, split, Random(), batch_size=500, seed=0)(0)
    assert set(batch.exemplar_index.ravel().tolist()) == set(range(7))
