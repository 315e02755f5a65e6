"""All examples on one device, looked up by index at the last moment."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from icl_data._banks.index_bounds import check_bounds, holds_new_classes
from icl_data._banks.options import bank_example_shape
from icl_data._sequences.batch import SequenceBatch
from icl_data._sources.gaussian import draws_new_classes
from icl_data._sources.source import Source
from icl_data.torch._downsampling import downsample
from icl_data.torch._lookup import TableLookup, build_lookup
from icl_data.torch._normal import Normal, noise_seed, normal_of_batch, normal_of_new_classes

Index = torch.Tensor | npt.NDArray[Any] | int


class ExampleBank:
    """A source's examples on a device.

    Images stay bytes until they are looked up; augmentation, noise and downsampling happen then. The built-in sources
    live on the device; any other, and an array that stays in its file, is called on the host. On a CPU the bank shares
    the memory of a source that stores what the bank needs. A packed `OmniglotSource` stays packed on the device.

    Args:
        source: where examples come from.
        device: where tensors are made.
        downsample: bilinear 28x28 images, after any noise, as released.
        noise_scale: standard deviation of Gaussian noise added to vectors and images, on top of the source's own.

    Attributes:
        kind, example_shape: of the tensors, after downsampling.
        deterministic: no noise enters, so that one class and exemplar always give the same example.
        is_on_device: examples are stored on the device, so that `look_up` never waits for the host.

    Raises:
        ValueError: downsampling of other things than images, noise on ids, or negative noise.
    """

    def __init__(
        self,
        source: Source,
        *,
        device: str | torch.device = "cpu",
        downsample: bool = False,
        noise_scale: float = 0.0,
    ) -> None:
        self.source = source
        self.device = torch.device(device)
        self.kind = source.kind
        self.deterministic = not noise_scale and not source.noise_scale
        self.example_shape = bank_example_shape(source, downsample=downsample, noise_scale=noise_scale)
        self._noise_scale = noise_scale
        # Noise belongs on full-size images, so only without it can small ones be stored.
        self._lookup, is_small = build_lookup(source, self.device, small=downsample and self.deterministic)
        self._downsample = downsample and not is_small
        self.is_on_device = isinstance(self._lookup, TableLookup)

    def __call__(self, batch: SequenceBatch, *, seed: int, step: int, rows: slice | None = None) -> torch.Tensor:
        """Examples of a batch, or of some of its rows.

        Args:
            batch: B sequences of length S.
            seed, step: what the noise, and new classes, are a function of, on a given sort of device; without
                these they do not matter.
            rows: which sequences are wanted, one after the other; None for all. They get the noise that they have in
                the whole batch, which is drawn for all of it.

        Classes from n_classes of the source onwards are the batch's new ones (`Bursty(p_new)`), as many as it has
        sequences, where the source can draw such (`GaussianSource`).

        Returns:
            (B, S) int64 ids, or (B, S, *example_shape) float32, on the device; with `rows` as many as those.

        Raises:
            IndexError: as `gather`.
            ValueError: rows with a step.
        """
        first, stop, step_of_rows = (rows or slice(None)).indices(len(batch))
        if step_of_rows != 1:
            raise ValueError(f"rows must follow one another, got {rows}")
        some = batch[first:stop]
        normal = None
        if not self.deterministic:
            n_all, length = batch.class_index.size, batch.class_index.shape[1]
            normal = normal_of_batch(seed=seed, step=step, device=self.device, n_all=n_all, first=first * length)
        return self._examples(some.class_index, some.exemplar_index, normal, self._new_means(batch, seed, step))

    def look_up(
        self, classes: torch.Tensor, exemplars: torch.Tensor, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """Examples of a batch whose indices are on the device already, with noise; a CUDA graph may hold it.

        Args:
            classes, exemplars: (B, L) int64 positions, which are not checked, and none of new classes.
            generator: what noise is drawn from, seeded by `seed_noise`; None for none.

        Returns:
            As a call gives them.
        """
        normal = None if generator is None else Normal(generator, device=self.device, n_all=classes.numel(), first=0)
        return self._found(classes, exemplars, normal, None)

    @staticmethod
    def seed_noise(generator: torch.Generator, *, seed: int, step: int) -> torch.Generator:
        """Seed a generator so that `look_up` gives a batch the noise that a call gives it.

        Args:
            generator: on the bank's device.
            seed, step: as for a call.
        """
        return generator.manual_seed(noise_seed(seed, step))

    def gather(self, class_index: Index, exemplar_index: Index) -> torch.Tensor:
        """Examples without noise, in the broadcast shape of the indices + example_shape.

        Indices are checked on the host. Tensors on another device are not, since that would mean waiting for it: there
        a class outside is PyTorch's to refuse, later, and an exemplar outside shows another class.

        Args:
            class_index: class positions, an array or a tensor of any shape and device.
            exemplar_index: exemplar positions, a shape that broadcasts with that.

        Raises:
            IndexError: a class or exemplar that the source does not have.
        """
        return self._examples(class_index, exemplar_index, None, None)

    def _new_means(self, batch: SequenceBatch, seed: int, step: int) -> torch.Tensor | None:
        """(B, D) vectors of the batch's new classes, if it has any."""
        source = self.source
        if not draws_new_classes(source) or not holds_new_classes(batch.class_index, source.n_classes):
            return None
        shape = (len(batch), *source.example_shape)
        return normal_of_new_classes(shape, seed=seed, step=step, device=self.device).div_(shape[-1] ** 0.5)

    def _examples(
        self, class_index: Index, exemplar_index: Index, normal: Normal | None, new: torch.Tensor | None
    ) -> torch.Tensor:
        n_classes = self.source.n_classes + (0 if new is None else len(new))
        classes, exemplars = _broadcast(
            self._on_device("class_index", class_index, n_classes),
            self._on_device("exemplar_index", exemplar_index, self.source.n_exemplars),
        )
        return self._found(classes, exemplars, normal, new)

    def _found(
        self, classes: torch.Tensor, exemplars: torch.Tensor, normal: Normal | None, new: torch.Tensor | None
    ) -> torch.Tensor:
        found = self._lookup(classes.reshape(-1), exemplars.reshape(-1), normal, new)
        if normal is not None and self._noise_scale:
            found = found.add_(normal(found.shape), alpha=self._noise_scale)
        if self._downsample:
            found = downsample(found)
        return found.reshape(*classes.shape, *self.example_shape)

    def _on_device(self, name: str, index: Index, n: int) -> torch.Tensor:
        if isinstance(index, torch.Tensor) and not index.is_cpu:
            return index.to(device=self.device, dtype=torch.int64)
        host = np.array(index.numpy() if isinstance(index, torch.Tensor) else index, dtype=np.int64)
        check_bounds(name, host, n)
        return torch.from_numpy(host).to(self.device)


def _broadcast(first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    shape = np.broadcast_shapes(first.shape, second.shape)
    return first.expand(shape), second.expand(shape)
