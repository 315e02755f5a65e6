"""The batch stream is the same however it is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from icl_data import (  # noqa: E402
    ArraySource,
    BatchSampler,
    Bursty,
    ClassSplit,
    GaussianSource,
    SeqGenerator,
    SymbolicSource,
)
from icl_data.torch import ExampleBank, SequenceDataset, create_sequence_dataloader, downsample  # noqa: E402

SOURCE = GaussianSource(30, dim=3)


def _sampler(n_exemplars: int = 1, **options) -> BatchSampler:
    split = ClassSplit(30, n_rare=20, n_common=5)
    return BatchSampler(n_exemplars, split, Bursty(), batch_size=4, seed=7, **options)


def _records() -> Iterator[dict[str, np.ndarray]]:
    return SeqGenerator(SymbolicSource(30), 20, 5, noise_scale=0.0, seed=7).get_bursty_seq()


def _image_records() -> Iterator[dict[str, np.ndarray]]:
    images = np.random.default_rng(0).random((30, 1, 56, 56))
    return SeqGenerator(ArraySource(images), 20, 5, noise_scale=0.1, seed=7).get_bursty_seq()


STREAMS = {"sampler": (_sampler(), {"source": SOURCE}), "records": (_records, {"batch_size": 4})}


def _same(first: list[dict], second: list[dict]) -> bool:
    assert len(first) == len(second)
    return all(torch.equal(a[name], b[name]) for a, b in zip(first, second, strict=True) for name in a)


def test_a_worker_leaves_the_records_of_the_others_out_without_a_layer_for_each_step(monkeypatch) -> None:
    """A generator inside a generator for every step would make each step dearer, and end in a stack overflow."""
    monkeypatch.setattr("icl_data.torch._dataset.get_worker_info", lambda: SimpleNamespace(id=1, num_workers=3))
    sliced: list[object] = []
    monkeypatch.setattr("icl_data.torch._dataset.islice", lambda it, *ends: (sliced.append(it), islice(it, *ends))[1])

    def records() -> Iterator[dict[str, np.ndarray]]:
        for number in count():
            yield {"example": np.array([number]), "label": np.array([number]), "is_rare": np.array([0])}

    batches = SequenceDataset(records, batch_size=2, n_steps=30)
    found = [batch["labels"][:, 0].tolist() for batch in batches]
    assert found == [[2 * step, 2 * step + 1] for step in range(1, 30, 3)]
    assert not any(isinstance(stream, islice) for stream in sliced[2:])  # the first two slice the steps


@pytest.mark.parametrize("name", STREAMS)
def test_start_step_resumes_the_stream(name: str) -> None:
    stream, options = STREAMS[name]
    whole = list(SequenceDataset(stream, **options, n_steps=6))
    rest = list(SequenceDataset(stream, **options, start_step=4, n_steps=2))
    assert _same(whole[4:], rest)


@pytest.mark.parametrize("name", STREAMS)
def test_each_iteration_starts_the_same_stream(name: str) -> None:
    stream, options = STREAMS[name]
    dataset = SequenceDataset(stream, **options)
    assert _same(list(islice(dataset, 2)), list(islice(dataset, 2)))


def test_sampled_batches_hold_the_sampler_s_sequences() -> None:
    (batch,) = SequenceDataset(_sampler(), SOURCE, start_step=5, n_steps=1)
    expected = _sampler()(5)
    assert batch["labels"].tolist() == expected.label.tolist()
    assert batch["is_rare"].tolist() == expected.is_rare.tolist()
    assert torch.equal(batch["examples"], ExampleBank(SOURCE)(expected, seed=7, step=5))


def test_record_batches_hold_the_generator_s_sequences() -> None:
    (batch,) = SequenceDataset(_records, batch_size=4, start_step=2, n_steps=1)
    expected = list(islice(_records(), 8, 12))
    assert batch["examples"].tolist() == [record["example"].tolist() for record in expected]
    assert batch["examples"].dtype == torch.int64
    assert batch["labels"].tolist() == [record["label"].tolist() for record in expected]


def test_target_interleaves_labels_with_zeros() -> None:
    batch = next(iter(SequenceDataset(_records, batch_size=4)))
    assert batch["target"].shape == (4, 17)
    assert torch.equal(batch["target"][:, ::2], batch["labels"])
    assert not batch["target"][:, 1::2].any()


def test_target_without_interleaving_is_the_labels() -> None:
    batch = next(iter(SequenceDataset(_records, batch_size=4, interleave_labels=False)))
    assert torch.equal(batch["target"], batch["labels"])


def test_constant_labels_are_ones() -> None:
    batch = next(iter(SequenceDataset(_sampler(), SOURCE, use_constant_labels=True)))
    assert (batch["labels"] == 1).all()
    assert (batch["target"][:, ::2] == 1).all()


def test_images_of_records_are_downsampled() -> None:
    full = next(iter(SequenceDataset(_image_records, batch_size=2)))["examples"]
    small = next(iter(SequenceDataset(_image_records, batch_size=2, downsample=True)))["examples"]
    assert full.shape == (2, 9, 56, 56, 1)
    assert torch.equal(small, downsample(full))


def test_shuffle_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="shuffle must be False: every sequence is drawn at random already"):
        create_sequence_dataloader(_sampler(), SOURCE, shuffle=True)


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # on a machine with fewer cores
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # JAX, which other tests import and workers do not
def test_global_random_state_is_left_alone() -> None:
    state = torch.get_rng_state()
    list(create_sequence_dataloader(_sampler(), SOURCE, n_steps=2, num_workers=1))
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(
    ("stream", "options", "message"),
    [
        (_sampler(), {}, "pass source only"),
        (_sampler(), {"source": SOURCE, "batch_size": 4}, "pass source only"),
        (_sampler(), {"source": ExampleBank(SOURCE), "noise_scale": 0.1}, "ExampleBank has its own"),
        (_records, {}, "got batch_size=None"),
        (_records, {"batch_size": 4, "source": SOURCE}, "neither source nor noise_scale"),
        (_sampler(), {"source": GaussianSource(31)}, "of 30 classes with 1 exemplars each, got 31 classes with 1"),
        (_sampler(n_exemplars=7), {"source": ExampleBank(SOURCE)}, "with 7 exemplars each, got 30 classes with 1"),
        (
            _sampler(n_exemplars=20, exemplars=range(16, 20)),
            {"source": ArraySource(np.zeros((30, 4, 3)))},
            "with 20 exemplars each, got 30 classes with 4",
        ),
        (_records, {"batch_size": 4, "start_step": -1}, "start_step and n_steps must be >= 0"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(stream, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SequenceDataset(stream, **options)
