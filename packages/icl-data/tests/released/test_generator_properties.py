"""What holds for every sequence of the exact stream, over all settings."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest
from hypothesis import event, given, reject, settings
from hypothesis import strategies as st
from sequence_promises import PROMISES, Drawn
from sequence_settings import EXEMPLARS, RELEASED, Settings, any_settings, settings_of

from icl_data import SeqGenerator, SequenceBatch, SymbolicSource

# A class can come up more often than it has exemplars, by coincidence; the exact stream has nothing to show then.
TOO_MANY = re.compile(r"a class may appear at most n_exemplars = \d+ times in a sequence, got \d+ appearances .*")


def _attempt(found: Settings) -> tuple[SeqGenerator | None, Iterator[dict[str, np.ndarray]], str]:
    try:
        generator = found.generator()
        return generator, found.records(generator), ""
    except ValueError as error:
        return None, iter(()), str(error)


def _feasible(found: Settings) -> tuple[SeqGenerator, Iterator[dict[str, np.ndarray]]]:
    generator, records, _ = _attempt(found)
    if generator is None:
        reject()
    return generator, records


def _draw(found: Settings, records: Iterator[dict[str, np.ndarray]], n: int = 20) -> SequenceBatch:
    try:
        drawn = list(islice(records, n))
    except ValueError as error:
        too_many, refusal = TOO_MANY.fullmatch(str(error)), error
    else:
        fields = (np.stack([record[name] for record in drawn]) for name in ("example", "label", "is_rare"))
        example, label, is_rare = fields
        return SequenceBatch(example // EXEMPLARS, example % EXEMPLARS, label, is_rare)
    if too_many and found.n_exemplars > 1:
        event("more appearances than exemplars")
        reject()
    raise refusal


def _drawn(found: Settings, generator: SeqGenerator, batch: SequenceBatch) -> Drawn:
    return Drawn(batch, generator.split, found.kind_type(**found.kind), False, None, range(found.n_exemplars))


@given(any_settings(*RELEASED))
@settings(deadline=None, max_examples=200)
def test_any_settings_are_refused_in_one_line_or_drawn_with_every_promise_kept(found: Settings) -> None:
    found = found.released()
    generator, records, refusal = _attempt(found)
    event("refused" if generator is None else "drawn")
    if generator is None:
        assert len(refusal.splitlines()) == 1
        return
    drawn = _drawn(found, generator, _draw(found, records))
    for promise in PROMISES:
        promise(drawn)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
@given(found=settings_of(*RELEASED))
@settings(deadline=None, max_examples=30)
def test_sequence_keeps_its_promise(promise, found: Settings) -> None:
    found = found.released()
    generator, records = _feasible(found)
    promise(_drawn(found, generator, _draw(found, records)))


@given(settings_of(*RELEASED))
@settings(deadline=None, max_examples=30)
def test_one_seed_gives_one_stream(found: Settings) -> None:
    first, second = (_draw(found.released(), _feasible(found.released())[1]) for _ in range(2))
    assert all(np.array_equal(first.to_numpy()[name], field) for name, field in second.to_numpy().items())


@given(settings_of(*RELEASED), st.integers(1, 20))
@settings(deadline=None, max_examples=30)
def test_pickled_generator_goes_on_where_it_was(found: Settings, taken: int) -> None:
    found = found.released()
    generator, records = _feasible(found)
    _draw(found, records, taken)
    copied = pickle.loads(pickle.dumps(generator))
    rest, same = _draw(found, records), _draw(found, found.records(copied))
    assert all(np.array_equal(rest.to_numpy()[name], field) for name, field in same.to_numpy().items())


@pytest.mark.parametrize("seed", [None, -1, 2**32, 1.5])
def test_seed_that_gives_no_stream_of_its_own_is_refused(seed: object) -> None:
    with pytest.raises(ValueError, match=f"seed must be .* got {seed}"):
        SeqGenerator(SymbolicSource(10), 8, 2, seed=seed)
