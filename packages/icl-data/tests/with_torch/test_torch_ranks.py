"""Ranks take rows of one and the same batch, and a loader knows how long it is."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from icl_data import ArraySource, Augmented, BatchSampler, Bursty, ClassSplit, SymbolicSource  # noqa: E402
from icl_data.torch import ExampleBank, SequenceDataset, create_sequence_dataloader  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),  # on a machine with fewer cores
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),  # Python 3.12 and later, with threads about
    pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning"),  # JAX, which other tests import and workers do not
]

RNG = np.random.default_rng(0)
STREAMS = """
from icl_data import ArraySource, SeqGenerator
import numpy as np

SOURCE = ArraySource(np.random.default_rng(0).random(size=(30, 9, 9, 9)))

def seeded(seed):
    return SeqGenerator(SOURCE, 20, 5, noise_scale=0.1, seed=seed).get_bursty_seq()

def records():
    return seeded(7)
"""


class Foreign(ArraySource):
    """A source that the bank calls on the host, as it may gather in any way."""

    def gather(self, class_index, exemplar_index, noise=None):
        """As the array's."""
        return super().gather(class_index, exemplar_index, noise)


IMAGES = RNG.random((30, 6, 9, 9)).astype(np.float32)
SOURCES = {
    "vectors with noise": (ArraySource(RNG.normal(size=(30, 6, 3)), noise_scale=0.1), {}),
    "images with two noises": (ArraySource(IMAGES, noise_scale=0.1), {"noise_scale": 0.2}),
    "noisy images made small": (ArraySource(IMAGES, noise_scale=0.1), {"noise_scale": 0.2, "downsample": True}),
    "turned images": (Augmented(ArraySource(IMAGES, noise_scale=0.1)), {"noise_scale": 0.2}),
    "called on the host": (Foreign(IMAGES, noise_scale=0.1), {"noise_scale": 0.2}),
    "ids": (SymbolicSource(30), {}),
}


@pytest.fixture
def streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module that workers can import, as a user's would be."""
    (tmp_path / "rank_streams.py").write_text(STREAMS)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("rank_streams")
    del sys.modules["rank_streams"]


def _sampled(name: str, **options: object) -> dict:
    source, of_bank = SOURCES[name]
    split = ClassSplit(source.n_classes, n_rare=20, n_common=5)
    sampler = BatchSampler(source, split, Bursty(p_bursty=0.7), batch_size=12, seed=7)
    return {"stream": sampler, "source": source, **of_bank, **options}


def _recorded(name: str, streams: ModuleType) -> dict:
    return {"stream": getattr(streams, name), "batch_size": 12, **({"seed": 7} if name == "seeded" else {})}


def _joined(parts: list[list[dict]]) -> list[dict]:
    return [{name: torch.cat([part[name] for part in same]) for name in same[0]} for same in zip(*parts, strict=True)]


def _check(arguments: dict, world_size: int, workers: int) -> None:
    arguments = {**arguments, "n_steps": 3, "start_step": 2, "num_workers": workers}
    whole = list(create_sequence_dataloader(**arguments))
    ranks = [
        list(create_sequence_dataloader(**arguments, rank=rank, world_size=world_size)) for rank in range(world_size)
    ]
    assert {len(batch["labels"]) for rank in ranks for batch in rank} == {12 // world_size}
    for joined, batch in zip(_joined(ranks), whole, strict=True):
        assert all(torch.equal(joined[name], batch[name]) for name in batch)


@pytest.mark.parametrize("world_size", [2, 3, 12])
@pytest.mark.parametrize("name", SOURCES)
def test_batches_of_the_ranks_of_a_sampler_are_the_whole_batch(name: str, world_size: int) -> None:
    _check(_sampled(name), world_size, workers=0)


@pytest.mark.parametrize("name", ["records", "seeded"])
def test_batches_of_the_ranks_of_records_are_the_whole_batch(name: str, streams: ModuleType) -> None:
    _check(_recorded(name, streams), 3, workers=0)


@pytest.mark.parametrize("name", ["images with two noises", "records", "seeded"])
def test_batches_of_ranks_with_workers_are_the_whole_batch(name: str, streams: ModuleType) -> None:
    _check(_sampled(name) if name in SOURCES else _recorded(name, streams), 2, workers=2)


def test_batches_of_a_bank_s_ranks_are_the_whole_batch() -> None:
    arguments = _sampled("ids")
    source, options = SOURCES["images with two noises"]
    _check({**arguments, "source": ExampleBank(source, **options)}, 2, workers=0)


def test_without_ranks_every_process_has_the_whole_batch() -> None:
    first, second = (list(create_sequence_dataloader(**_sampled("vectors with noise"), n_steps=2)) for _ in range(2))
    assert [len(batch["labels"]) for batch in first] == [12, 12]
    assert all(torch.equal(a["examples"], b["examples"]) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(
    ("rank", "world_size", "message"),
    [
        (2, 2, "rank must be in 0..world_size-1, got rank=2 and world_size=2"),
        (-1, 2, "rank must be in 0..world_size-1, got rank=-1 and world_size=2"),
        (0, 0, "rank must be in 0..world_size-1, got rank=0 and world_size=0"),
        (0, 5, "the batch size must be a multiple of world_size, got batches of 12 and world_size=5"),
    ],
)
def test_share_that_does_not_exist_is_refused(rank: int, world_size: int, message: str, streams: ModuleType) -> None:
    for arguments in (_sampled("ids"), _recorded("records", streams)):
        with pytest.raises(ValueError, match=re.escape(message)):
            SequenceDataset(**arguments, rank=rank, world_size=world_size)


def test_rows_of_a_bank_are_those_of_the_whole_batch() -> None:
    arguments = _sampled("images with two noises")
    bank = ExampleBank(arguments["source"], noise_scale=0.2)
    batch = arguments["stream"](3)
    whole = bank(batch, seed=1, step=3)
    for rows in (slice(0, 5), slice(5, 12), slice(-3, None), slice(4, 4)):
        assert torch.equal(bank(batch, seed=1, step=3, rows=rows), whole[rows])
    with pytest.raises(ValueError, match="rows must follow one another"):
        bank(batch, seed=1, step=3, rows=slice(0, 12, 2))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", ["ids", "records", "seeded"])
def test_length_of_a_loader_is_its_number_of_steps(name: str, workers: int, streams: ModuleType) -> None:
    arguments = _sampled(name) if name in SOURCES else _recorded(name, streams)
    loader = create_sequence_dataloader(**arguments, start_step=4, n_steps=5, num_workers=workers)
    assert len(loader) == len(list(loader)) == 5


def test_loader_without_an_end_says_that_it_has_no_length() -> None:
    loader = create_sequence_dataloader(**_sampled("ids"))
    with pytest.raises(TypeError, match="has no length unless n_steps says where it ends, got n_steps=None"):
        len(loader)
    assert len(next(iter(loader))["labels"]) == 12
