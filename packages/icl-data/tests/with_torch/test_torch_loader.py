"""The loader's workers: however they start and however many there are, batches are those that the stream defines."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from icl_data import ArraySource, BatchSampler, Bursty, ClassSplit, SeqGenerator, SymbolicSource  # noqa: E402
from icl_data.torch import SequenceDataset, create_sequence_dataloader  # noqa: E402
from icl_data.torch._dataset import _stream_seed  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),  # on a machine with fewer cores
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),  # Python 3.12 and later, with threads about
    pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning"),  # JAX, which other tests import and workers do not
]

SOURCE = ArraySource(np.random.default_rng(0).normal(size=(30, 6, 3)), noise_scale=0.1)
STREAMS = """
from icl_data import SeqGenerator, SymbolicSource

def seeded(seed):
    return SeqGenerator(SymbolicSource(30), 20, 5, noise_scale=0.0, seed=seed).get_bursty_seq()

def records():
    return seeded(7)
"""


@pytest.fixture
def streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module that workers can import, as a user's would be."""
    (tmp_path / "loader_streams.py").write_text(STREAMS)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("loader_streams")
    del sys.modules["loader_streams"]


def _arguments(name: str, streams: ModuleType) -> dict:
    if name == "sampler":
        kind = Bursty(p_bursty=0.7, p_relabel=0.3, label_noise=0.2, context_order="blocked", query_exemplar="copy")
        split = ClassSplit(30, n_rare=20, n_common=5, zipf_exponent=1.0)
        sampler = BatchSampler(SOURCE, split, kind, batch_size=4, seed=7, exemplars=range(2, 6))
        return {"stream": sampler, "source": SOURCE}
    if name == "records":
        return {"stream": streams.records, "batch_size": 4}
    return {"stream": streams.seeded, "batch_size": 4, "seed": 7}


def _same(first: list[dict], second: list[dict]) -> bool:
    assert len(first) == len(second)
    return all(torch.equal(a[name], b[name]) for a, b in zip(first, second, strict=True) for name in a)


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("name", ["sampler", "records"])
def test_forked_workers_change_nothing(name: str, workers: int, streams: ModuleType) -> None:
    arguments = _arguments(name, streams)
    alone = list(create_sequence_dataloader(**arguments, n_steps=7))
    forked = create_sequence_dataloader(
        **arguments, n_steps=7, num_workers=workers, multiprocessing_context="fork", persistent_workers=True
    )
    assert len(alone) == 7
    assert _same(list(forked), alone)
    assert _same(list(forked), alone), "persistent workers start every iteration at the first step"


@pytest.mark.parametrize("name", ["sampler", "records"])
def test_spawned_workers_change_nothing(name: str, streams: ModuleType) -> None:
    arguments = _arguments(name, streams)
    alone = list(create_sequence_dataloader(**arguments, n_steps=4))
    spawned = create_sequence_dataloader(
        **arguments, n_steps=4, num_workers=2, multiprocessing_context="spawn", persistent_workers=True
    )
    assert _same(list(spawned), alone)
    assert _same(list(spawned), alone)


@pytest.mark.parametrize("before", [0, 1, 3])
@pytest.mark.parametrize("after", [0, 1, 3])
@pytest.mark.parametrize("name", ["sampler", "records"])
def test_a_run_resumes_at_any_step_with_any_number_of_workers(
    name: str, before: int, after: int, streams: ModuleType
) -> None:
    arguments = _arguments(name, streams)
    whole = list(create_sequence_dataloader(**arguments, n_steps=7))
    first = list(islice(create_sequence_dataloader(**arguments, num_workers=before), 4))
    rest = list(create_sequence_dataloader(**arguments, start_step=4, n_steps=3, num_workers=after))
    assert _same(first + rest, whole)


@pytest.mark.parametrize("name", ["sampler", "records", "seeded"])
def test_pinned_memory_is_asked_for_only_where_it_helps(name: str, streams: ModuleType) -> None:
    arguments = _arguments(name, streams)
    plain = list(create_sequence_dataloader(**arguments, n_steps=2))
    pinned = list(create_sequence_dataloader(**arguments, n_steps=2, pin_memory=True))
    assert _same(plain, pinned)
    assert all(batch["examples"].is_pinned() == torch.cuda.is_available() for batch in pinned)


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_seeded_streams_take_turns_and_are_each_drawn_from_the_beginning(workers: int, streams: ModuleType) -> None:
    batches = list(create_sequence_dataloader(**_arguments("seeded", streams), n_steps=7, num_workers=workers))
    n_streams = max(workers, 1)
    for step, batch in enumerate(batches):
        stream = streams.seeded(_stream_seed(7, step % n_streams))
        place = step // n_streams * 4
        expected = [record["example"].tolist() for record in islice(stream, place, place + 4)]
        assert batch["examples"].tolist() == expected


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("done", [1, 3, 5])
def test_seeded_streams_resume_at_any_step_with_the_same_workers(workers: int, done: int, streams: ModuleType) -> None:
    arguments = {**_arguments("seeded", streams), "num_workers": workers}
    whole = list(create_sequence_dataloader(**arguments, n_steps=8))
    rest = list(create_sequence_dataloader(**arguments, start_step=done, n_steps=8 - done))
    assert _same(rest, whole[done:])


def test_streams_of_all_workers_and_seeds_differ() -> None:
    seeds = [_stream_seed(seed, number) for seed in range(20) for number in range(30)]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) >= 0
    assert max(seeds) < 2**32


def test_a_seed_that_two_children_share_is_given_to_one_worker_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class Colliding:
        def __init__(self, seed: int, spawn_key: tuple[int]) -> None:
            self.child = spawn_key[0]

        def generate_state(self, n: int) -> np.ndarray:
            return np.array([5, 5, 5, 9, 5, 2][self.child : self.child + 1])

    monkeypatch.setattr(np.random, "SeedSequence", Colliding)
    assert [_stream_seed(0, number) for number in range(3)] == [5, 9, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"persistent_workers": True}, "need num_workers of at least 1, got num_workers=0"),
        ({"multiprocessing_context": "spawn"}, "need num_workers of at least 1, got num_workers=0"),
        ({"seed": 3}, "its own batch_size and seed"),
    ],
)
def test_settings_without_effect_are_refused(options: dict, message: str, streams: ModuleType) -> None:
    with pytest.raises(ValueError, match=message):
        create_sequence_dataloader(**_arguments("sampler", streams), **options)


def test_negative_seed_is_refused() -> None:
    def stream(seed: int) -> Iterator[dict[str, np.ndarray]]:
        return SeqGenerator(SymbolicSource(30), 20, 5, noise_scale=0.0, seed=seed).get_bursty_seq()

    with pytest.raises(ValueError, match="seed must be >= 0, got -1"):
        SequenceDataset(stream, batch_size=4, seed=-1)
