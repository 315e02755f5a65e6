"""Examples by index on a device: a table of stored rows, ids, or any source called on the host."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeGuard, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from icl_data._array_source import ArraySource
from icl_data._augmented import N_TRANSFORMS, Augmented
from icl_data._gaussian import GaussianSource
from icl_data._omniglot import WHITE, OmniglotSource
from icl_data._source import Source, SymbolicSource
from icl_data.torch._downsampling import DOWNSAMPLED, UNIT, downsample_binary
from icl_data.torch._packed_rows import PackedRows

Rows = Callable[[torch.Tensor], torch.Tensor]

_BuiltIn = TypeVar("_BuiltIn", Augmented, SymbolicSource, OmniglotSource, GaussianSource, ArraySource)


class Lookup(Protocol):
    """Examples at (N,) class and exemplar positions, with the source's own noise if a generator is given."""

    def __call__(
        self, classes: torch.Tensor, exemplars: torch.Tensor, generator: torch.Generator | None
    ) -> torch.Tensor: ...


class TableLookup:
    """Rows kept on the device in the dtype they are stored in, turned into floats (or int64 ids) when looked up.

    Args:
        rows: from N row numbers, class * n_exemplars + exemplar, to (N, *example_shape) new stored numbers.
        n_exemplars: exemplars per class.
        scale: factor from stored numbers to examples.
        noise: standard deviation of the source's own noise in an example.
        orders: base order of each augmentation around the stored classes, the outermost first.
    """

    def __init__(
        self, rows: Rows, n_exemplars: int, scale: float, noise: float, orders: tuple[torch.Tensor, ...]
    ) -> None:
        self._rows, self._n_exemplars, self._scale, self._noise, self._orders = rows, n_exemplars, scale, noise, orders

    def __call__(
        self, classes: torch.Tensor, exemplars: torch.Tensor, generator: torch.Generator | None
    ) -> torch.Tensor:
        transforms = []
        for order in self._orders:
            transforms.append(classes % N_TRANSFORMS)
            classes = order[classes // N_TRANSFORMS]
        found = self._rows(classes * self._n_exemplars + exemplars)
        for transform in reversed(transforms):
            found = _transformed(found, transform)
        if not found.is_floating_point() and self._scale == 1 and found.ndim == 1:
            return found.long()
        found = found.float()
        if self._scale != 1:
            found = found.mul_(self._scale)
        if generator is not None and self._noise:
            normal = torch.randn(found.shape, generator=generator, device=found.device)
            found = found.add_(normal, alpha=self._noise)
        return found


class IdLookup:
    """Ids: the class positions themselves."""

    def __call__(
        self, classes: torch.Tensor, exemplars: torch.Tensor, generator: torch.Generator | None
    ) -> torch.Tensor:
        return classes.clone()


class SourceLookup:
    """Any other source, called on the host."""

    def __init__(self, source: Source, device: torch.device) -> None:
        self._source, self._device = source, device

    def __call__(
        self, classes: torch.Tensor, exemplars: torch.Tensor, generator: torch.Generator | None
    ) -> torch.Tensor:
        noise = None
        if generator is not None and self._source.noise_scale:
            shape = (len(classes), *self._source.example_shape)
            noise = torch.randn(shape, generator=generator, device=self._device).cpu().numpy()
        found = self._source.gather(classes.cpu().numpy(), exemplars.cpu().numpy(), noise)
        dtype = np.int64 if self._source.kind == "id" else np.float32
        return torch.from_numpy(np.array(found, dtype=dtype)).to(self._device)


def build_lookup(source: Source, device: torch.device, *, small: bool) -> tuple[Lookup, bool]:
    """The fastest lookup for a source, and whether it already gives 28x28 images, which `small` asks for."""
    orders: list[torch.Tensor] = []
    base = source
    while _is(base, Augmented):
        orders.append(torch.from_numpy(base.base_order.copy()).to(device))
        base = base.source
    if _is(base, SymbolicSource):
        return IdLookup(), False
    if _is(base, OmniglotSource):
        rows = _small_omniglot(base, device) if small else _omniglot(base, device)
        scale = float(WHITE) / UNIT if small else float(WHITE)
        return TableLookup(rows, base.n_exemplars, scale, 0.0, tuple(orders)), small
    if _is(base, GaussianSource):
        scale = 1 / np.sqrt(1 + base.noise_scale**2)
        noise = scale * base.noise_scale / np.sqrt(base.example_shape[0])
        return TableLookup(_picking(base.means.copy(), device), 1, float(scale), float(noise), ()), False
    if _is(base, ArraySource) and isinstance(base.array, np.ndarray) and base.in_memory:
        array = base.array.reshape(-1, *base.example_shape)
        if base.kind == "id":
            array = array.astype(np.int64)
        elif array.dtype != np.uint8:
            array = array.astype(np.float32)
        rows = _picking(array.copy(), device)
        return TableLookup(rows, base.n_exemplars, base.scale, base.noise_scale, tuple(orders)), False
    return SourceLookup(source, device), False


def _is(source: Source, kind: type[_BuiltIn]) -> TypeGuard[_BuiltIn]:
    """Whether a source gathers as a built-in one does; a subclass may have a `gather` of its own."""
    return isinstance(source, kind) and type(source).gather is kind.gather


def _picking(rows: npt.NDArray[Any], device: torch.device) -> Rows:
    return partial(torch.from_numpy(rows).to(device).index_select, 0)


def _omniglot(source: OmniglotSource, device: torch.device) -> Rows:
    if source.bits is not None:
        bits = torch.from_numpy(source.bits).to(device)
        return PackedRows(bits.reshape(-1, bits.shape[-1]), source.example_shape)
    return _picking(source.images.reshape(-1, *source.example_shape), device)


def _small_omniglot(source: OmniglotSource, device: torch.device) -> Rows:
    """Made of some classes at a time, so that a packed source is never unpacked as a whole."""
    small = np.empty((source.n_classes, source.n_exemplars, DOWNSAMPLED, DOWNSAMPLED), dtype=np.uint8)
    step = 1024 // source.n_exemplars + 1
    for first in range(0, source.n_classes, step):
        some = small[first : first + step]
        pixels = source.pixels(np.arange(first, first + len(some))[:, None], np.arange(source.n_exemplars))
        some[:] = downsample_binary(pixels.reshape(-1, *pixels.shape[2:])).reshape(some.shape)
    return _picking(small.reshape(-1, DOWNSAMPLED, DOWNSAMPLED, 1), device)


def _transformed(images: torch.Tensor, transform: torch.Tensor) -> torch.Tensor:
    """Images (N, H, W, C), each by its own flip and quarter turns."""
    for number in range(1, N_TRANSFORMS):
        chosen = (transform == number).nonzero()[:, 0]
        if len(chosen) == 0:
            continue
        flip, turns = divmod(number, 4)
        part = images[chosen]
        images[chosen] = torch.rot90(part.flip(2) if flip else part, turns, (1, 2))
    return images
