"""Batches of tensors as a PyTorch dataset that says what its workers do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count, islice
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from icl_data._sampling.sampler import BatchSampler
from icl_data._sequences.kinds import Bursty
from icl_data._sequences.record import Record
from icl_data._sources.counts import check_integers
from icl_data._sources.gaussian import check_draws_new_classes
from icl_data._sources.source import Source
from icl_data.torch._bank import ExampleBank
from icl_data.torch._downsampling import downsample as downsample_images

Batch = dict[str, torch.Tensor]


class SequenceDataset(IterableDataset[Batch]):
    """Batches by step: worker w of W makes the batches of steps start_step + w, start_step + w + W, and so on.

    A step is all the state there is: a new dataset with start_step=n goes on where n batches have been taken. The
    batches of a step are the same for any number of workers, except with `seed`, where there are W streams, batch
    `step` belongs to stream step % W, and a resumed run needs the same W.

    A batch is a dict of tensors: `examples` (B, S) int64 or (B, S, *example_shape) float32, `labels` (B, S) int64,
    `target` int64 (B, 2S-1) as label, 0, label, ..., label, or (B, S) without interleaving, `is_rare` (B, S) int64.

    Rank r of `world_size` ranks takes rows r * B / world_size onwards of each batch of B, with the noise that they have
    there: put one after the other, the ranks' batches are the undivided one, bit for bit.

    Args:
        stream: a `BatchSampler`, or a function without arguments that returns a new iterator over the records of a
            `SeqGenerator`, always with the same seed; such a stream is drawn from its beginning by every worker, which
            keeps its share. With `seed`, a function of a seed. Workers that are not forked must be able to import it.
        source: the sampler's source, or an `ExampleBank` of it; None with records, which hold their examples.
        batch_size: sequences per batch of records, those of all ranks; a sampler has its own.
        seed: gives every worker a stream of records of its own, with a seed derived from this one that no other worker
            has (children of `numpy.random.SeedSequence`), so that nothing is drawn in vain.
        downsample: bilinear 28x28 images.
        noise_scale: noise on top of the source's own, for samplers; a `SeqGenerator` has its own argument for it.
        interleave_labels: shape of `target`.
        use_constant_labels: all labels 1.
        start_step: first step, for resuming.
        n_steps: number of steps, None for no end.
        rank, world_size: which of how many processes this one is, each of which takes its share of every batch.

    Raises:
        ValueError: an argument that the stream does not take, one it needs is missing, a source that is not the
            sampler's, a rank that does not exist, or batches that cannot be shared out evenly.
    """

    def __init__(
        self,
        stream: BatchSampler | Callable[..., Iterator[Record]],
        source: Source | ExampleBank | None = None,
        *,
        batch_size: int | None = None,
        seed: int | None = None,
        downsample: bool = False,
        noise_scale: float = 0.0,
        interleave_labels: bool = True,
        use_constant_labels: bool = False,
        start_step: int = 0,
        n_steps: int | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        given = {"n_steps": n_steps, "batch_size": batch_size, "seed": seed}
        check_integers(start_step=start_step, rank=rank, world_size=world_size)
        check_integers(**{name: value for name, value in given.items() if value is not None})
        if start_step < 0 or (n_steps is not None and n_steps < 0):
            raise ValueError(f"start_step and n_steps must be >= 0, got {start_step} and {n_steps}")
        self._bank: ExampleBank | None = None
        if isinstance(stream, BatchSampler):
            if source is None or batch_size is not None or seed is not None:
                raise ValueError(
                    "a BatchSampler needs its source and has its own batch_size and seed, so pass source only"
                )
            if isinstance(source, ExampleBank):
                if downsample or noise_scale:
                    raise ValueError("an ExampleBank has its own downsample and noise_scale, so leave them out")
                self._bank = source
            else:
                self._bank = ExampleBank(source, downsample=downsample, noise_scale=noise_scale)
            _check_match(stream, self._bank.source)
        elif source is not None or noise_scale or batch_size is None or batch_size < 1:
            raise ValueError(
                "records hold their examples and noise already, so pass batch_size (at least 1) and neither source "
                f"nor noise_scale, got batch_size={batch_size}"
            )
        elif seed is not None and seed < 0:
            raise ValueError(f"seed must be >= 0, got {seed}")
        self._stream = stream
        self._rows = _share(stream.batch_size if isinstance(stream, BatchSampler) else batch_size, rank, world_size)
        self._batch_size = batch_size
        self._seed = seed
        self._downsample = downsample
        self._interleave_labels = interleave_labels
        self._use_constant_labels = use_constant_labels
        self._start_step = start_step
        self._n_steps = n_steps

    def __len__(self) -> int:
        """Number of batches, of all workers together.

        Raises:
            TypeError: there is no end.
        """
        if self._n_steps is None:
            raise TypeError("a stream of batches has no length unless n_steps says where it ends, got n_steps=None")
        return self._n_steps

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        first, stride = (0, 1) if worker is None else (worker.id, worker.num_workers)
        steps: Iterator[int] = count(self._start_step)
        if self._n_steps is not None:
            steps = islice(steps, self._n_steps)
        steps = islice(steps, first, None, stride)
        if isinstance(self._stream, BatchSampler):
            return self._sampled(steps)
        if self._seed is None:
            return self._recorded(self._stream(), steps)
        number = (self._start_step + first) % stride
        return self._recorded(self._stream(_stream_seed(self._seed, number)), (step // stride for step in steps))

    def _sampled(self, steps: Iterator[int]) -> Iterator[Batch]:
        assert isinstance(self._stream, BatchSampler)
        assert self._bank is not None
        for step in steps:
            batch = self._stream(step)
            examples = self._bank(batch, seed=self._stream.seed, step=step, rows=self._rows)
            yield self._batch(examples, batch.label[self._rows], batch.is_rare[self._rows])

    def _recorded(self, records: Iterator[Record], steps: Iterator[int]) -> Iterator[Batch]:
        drawn = 0
        for step in steps:
            skipped = (step - drawn) * self._batch_size_of_records
            next(islice(records, skipped, skipped), None)  # other workers' records
            drawn = step + 1
            found = list(islice(records, self._batch_size_of_records))[self._rows]
            example, label, is_rare = (
                np.stack([record[name] for record in found]) for name in ("example", "label", "is_rare")
            )
            examples = torch.from_numpy(example)
            if self._downsample:
                examples = downsample_images(examples)
            yield self._batch(examples if examples.is_floating_point() else examples.long(), label, is_rare)

    @property
    def _batch_size_of_records(self) -> int:
        assert self._batch_size is not None
        return self._batch_size

    def _batch(self, examples: torch.Tensor, label: Any, is_rare: Any) -> Batch:
        labels = torch.from_numpy(label).long()
        if self._use_constant_labels:
            labels = torch.ones_like(labels)
        target = labels.clone()
        if self._interleave_labels:
            target = labels.new_zeros(len(labels), 2 * labels.shape[1] - 1)
            target[:, ::2] = labels
        return {"examples": examples, "labels": labels, "target": target, "is_rare": torch.from_numpy(is_rare).long()}


def _share(batch_size: int | None, rank: int, world_size: int) -> slice:
    """The rows of a batch that are a rank's."""
    assert batch_size is not None
    if world_size < 1 or not 0 <= rank < world_size:
        raise ValueError(f"rank must be in 0..world_size-1, got rank={rank} and world_size={world_size}")
    if batch_size % world_size:
        raise ValueError(
            f"the batch size must be a multiple of world_size, got batches of {batch_size} and world_size={world_size}"
        )
    share = batch_size // world_size
    return slice(rank * share, (rank + 1) * share)


def _check_match(sampler: BatchSampler, source: Source) -> None:
    """Refuse a source that lacks what the sampler draws: looked up in it, indices would show other classes."""
    n_classes, n_exemplars = sampler.split.n_classes, max(sampler.exemplars) + 1
    if source.n_classes != n_classes or source.n_exemplars < n_exemplars:
        raise ValueError(
            f"the source must be the sampler's, of {n_classes} classes with {n_exemplars} exemplars each, "
            f"got {source.n_classes} classes with {source.n_exemplars}"
        )
    if isinstance(sampler.kind, Bursty) and sampler.kind.p_new:
        check_draws_new_classes(source)


def create_sequence_dataloader(
    stream: BatchSampler | Callable[..., Iterator[Record]],
    source: Source | ExampleBank | None = None,
    *,
    num_workers: int = 0,
    multiprocessing_context: str | None = None,
    persistent_workers: bool = False,
    pin_memory: bool = False,
    shuffle: bool = False,
    **options: Any,
) -> DataLoader[Batch]:
    """A loader that gives the same batches in the same order however many workers make them (see `SequenceDataset`).

    Its length is n_steps; without it there is none.

    Args:
        stream, source: see `SequenceDataset`.
        num_workers: worker processes, 0 for none.
        multiprocessing_context: how they start: "fork", "spawn" or "forkserver", None for the system's way.
        persistent_workers: keep them from one iteration to the next; every iteration starts at start_step again.
        pin_memory: batches in page-locked memory, for faster copies to a GPU; does nothing where there is no CUDA.
        shuffle: must be False.
        options: the other arguments of `SequenceDataset`.

    Raises:
        ValueError: shuffle is true, workers are described where there are none, or `SequenceDataset` refuses its
            arguments.
    """
    if shuffle:
        raise ValueError(
            "shuffle must be False: every sequence is drawn at random already, and reordering batches would make "
            "them depend on more than the seed and the step"
        )
    if num_workers == 0 and (persistent_workers or multiprocessing_context is not None):
        raise ValueError(
            "persistent_workers and multiprocessing_context need num_workers of at least 1, got num_workers=0"
        )
    dataset = SequenceDataset(stream, source, **options)
    return DataLoader(
        dataset,
        batch_size=None,
        num_workers=num_workers,
        multiprocessing_context=multiprocessing_context,
        persistent_workers=persistent_workers,
        pin_memory=pin_memory and torch.cuda.is_available(),
        # The loader's own generator keeps it from drawing worker seeds from PyTorch's global one.
        generator=torch.Generator(),
    )


def _stream_seed(seed: int, number: int) -> int:
    """A seed for stream `number`, in the 32 bits that a `SeqGenerator` takes, unlike those of all other streams."""
    found: dict[int, None] = {}
    for child in count():
        state = np.random.SeedSequence(seed, spawn_key=(child,)).generate_state(1)
        found.setdefault(int(state[0]))
        if len(found) > number:
            break
    return list(found)[number]
