"""All examples on one device, looked up by index at the last moment."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from icl_data._batch import SequenceBatch
from icl_data._source import Source
from icl_data.torch._downsampling import DOWNSAMPLED, downsample
from icl_data.torch._lookup import build_lookup

Index = torch.Tensor | npt.NDArray[Any] | int


class ExampleBank:
    """A source's examples on a device.

    Images stay bytes until they are looked up; augmentation, noise and downsampling happen then. The built-in sources
    live on the device; any other, and an array that stays in its file, is called on the host. On a CPU the bank shares
    the memory of an `OmniglotSource`. A packed one stays packed on the device.

    Args:
        source: where examples come from.
        device: where tensors are made.
        downsample: bilinear 28x28 images, after any noise, as released.
        noise_scale: standard deviation of Gaussian noise added to vectors and images, on top of the source's own.

    Attributes:
        kind, example_shape: of the tensors, after downsampling.
        deterministic: no noise enters, so that one class and exemplar always give the same example.

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
        if downsample and source.kind != "image":
            raise ValueError(f"downsample needs a source of images, got kind {source.kind!r}")
        if not 0 <= noise_scale < np.inf or (noise_scale and source.kind == "id"):
            raise ValueError(
                f"noise_scale must be >= 0 and finite, and 0 for ids, got {noise_scale} for kind {source.kind!r}"
            )
        self.source = source
        self.device = torch.device(device)
        self.kind = source.kind
        self.deterministic = not noise_scale and not source.noise_scale
        self.example_shape: tuple[int, ...] = tuple(source.example_shape)
        if downsample:
            self.example_shape = (DOWNSAMPLED, DOWNSAMPLED, source.example_shape[2])
        self._noise_scale = noise_scale
        # Noise belongs on full-size images, so only without it can small ones be stored.
        self._lookup, is_small = build_lookup(source, self.device, small=downsample and self.deterministic)
        self._downsample = downsample and not is_small

    def __call__(self, batch: SequenceBatch, *, seed: int, step: int) -> torch.Tensor:
        """Examples of a batch.

        Args:
            batch: B sequences of length S.
            seed, step: what the noise is a function of, on a given sort of device; without noise they do not matter.
                Processes that take different rows of one batch should pass different seeds.

        Returns:
            (B, S) int64 ids, or (B, S, *example_shape) float32, on the device.
        """
        generator = None if self.deterministic else _generator(seed, step, self.device)
        return self._examples(batch.class_index, batch.exemplar_index, generator)

    def gather(self, class_index: Index, exemplar_index: Index) -> torch.Tensor:
        """Examples without noise, in the broadcast shape of the indices + example_shape.

        Args:
            class_index: class positions, an array or a tensor of any shape and device.
            exemplar_index: exemplar positions, a shape that broadcasts with that.
        """
        return self._examples(class_index, exemplar_index, None)

    def _examples(self, class_index: Index, exemplar_index: Index, generator: torch.Generator | None) -> torch.Tensor:
        classes, exemplars = _broadcast(self._on_device(class_index), self._on_device(exemplar_index))
        found = self._lookup(classes.reshape(-1), exemplars.reshape(-1), generator)
        if generator is not None and self._noise_scale:
            normal = torch.randn(found.shape, generator=generator, device=self.device)
            found = found.add_(normal, alpha=self._noise_scale)
        if self._downsample:
            found = downsample(found)
        return found.reshape(*classes.shape, *self.example_shape)

    def _on_device(self, index: Index) -> torch.Tensor:
        if isinstance(index, torch.Tensor):
            return index.to(device=self.device, dtype=torch.int64)
        return torch.from_numpy(np.array(index, dtype=np.int64)).to(self.device)


def _broadcast(first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    shape = np.broadcast_shapes(first.shape, second.shape)
    return first.expand(shape), second.expand(shape)


def _generator(seed: int, step: int, device: torch.device) -> torch.Generator:
    digest = hashlib.blake2b(f"icl-data/noise/{seed}/{step}".encode(), digest_size=8).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest, "little") >> 1)
