"""Examples by index on a device: a table of stored rows, or any source called on the host."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from icl_data._banks.example_table import ExampleTable, example_table
from icl_data._sources.augmented import N_TRANSFORMS
from icl_data._sources.source import Source
from icl_data.torch._normal import Normal
from icl_data.torch._packed_rows import PackedRows
from icl_data.torch._turning import turn

Rows = Callable[[torch.Tensor], torch.Tensor]


class Lookup(Protocol):
    """Examples at (N,) class and exemplar positions, with the source's own noise if normal numbers are given.

    Classes behind the last one are rows of `new`, stored as the source stores its own.
    """

    def __call__(
        self,
        classes: torch.Tensor,
        exemplars: torch.Tensor,
        normal: Normal | None,
        new: torch.Tensor | None,
    ) -> torch.Tensor: ...


class TableLookup:
    """Rows kept on the device in the dtype they are stored in, turned into floats (or int64 ids) when looked up."""

    def __init__(self, table: ExampleTable, shape: tuple[int, ...], device: torch.device) -> None:
        self._n_classes, self._n_exemplars = table.rows.shape[:2]
        self._scale, self._noise = table.scale, table.noise
        self._orders = [torch.from_numpy(order.copy()).to(device) for order in table.orders]
        stored = _shared(table.rows.reshape(-1, *table.rows.shape[2:])).to(device)
        # From N row numbers, class * n_exemplars + exemplar, to (N, *shape) new stored numbers.
        self._rows: Rows = PackedRows(stored, shape) if table.packed else partial(stored.index_select, 0)

    def __call__(
        self,
        classes: torch.Tensor,
        exemplars: torch.Tensor,
        normal: Normal | None,
        new: torch.Tensor | None,
    ) -> torch.Tensor:
        beyond = classes - self._n_classes
        if new is not None:
            classes = classes.clamp(max=self._n_classes - 1)
        transforms = []
        for order in self._orders:
            transforms.append(classes % N_TRANSFORMS)
            classes = order[classes // N_TRANSFORMS]
        found = self._rows(classes if self._n_exemplars == 1 else classes * self._n_exemplars + exemplars)
        for transform in reversed(transforms):
            found = turn(found, transform)
        if found.dtype == torch.int64:
            return found
        found = found.float()
        if new is not None:
            found = torch.where((beyond >= 0)[:, None], new[beyond.clamp(min=0)], found)
        if self._scale != 1:
            found = found.mul_(self._scale)
        if normal is not None and self._noise:
            found = found.add_(normal(found.shape), alpha=self._noise)
        return found


class SourceLookup:
    """Any other source, called on the host."""

    def __init__(self, source: Source, device: torch.device) -> None:
        self._source, self._device = source, device

    def __call__(
        self,
        classes: torch.Tensor,
        exemplars: torch.Tensor,
        normal: Normal | None,
        new: torch.Tensor | None,
    ) -> torch.Tensor:
        assert new is None
        noise = None
        if normal is not None and self._source.noise_scale:
            noise = normal((len(classes), *self._source.example_shape)).cpu().numpy()
        found = self._source.gather(classes.cpu().numpy(), exemplars.cpu().numpy(), noise)
        dtype = np.int64 if self._source.kind == "id" else np.float32
        return torch.from_numpy(np.array(found, dtype=dtype)).to(self._device)


def build_lookup(source: Source, device: torch.device, *, small: bool) -> tuple[Lookup, bool]:
    """The fastest lookup for a source, and whether it already gives 28x28 images, which `small` asks for."""
    table = example_table(source, small=small)
    if table is None:
        return SourceLookup(source, device), False
    return TableLookup(table, source.example_shape, device), table.small


def _shared(rows: npt.NDArray[Any]) -> torch.Tensor:
    """The same memory, unless PyTorch cannot have it: it knows no tensors that must not be written to."""
    return torch.from_numpy(np.require(rows, requirements=["C", "W"]))
