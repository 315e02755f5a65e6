"""How the built-in sources store their examples, for look-ups on a device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeGuard, TypeVar

import numpy as np
import numpy.typing as npt

from icl_data._banks.small_images import UNIT, small_omniglot
from icl_data._omniglot.source import WHITE, OmniglotSource
from icl_data._sources.array import ArraySource
from icl_data._sources.augmented import Augmented
from icl_data._sources.gaussian import GaussianSource
from icl_data._sources.source import Source, SymbolicSource

_BuiltIn = TypeVar("_BuiltIn", Augmented, SymbolicSource, OmniglotSource, GaussianSource, ArraySource)


@dataclass(frozen=True, kw_only=True, eq=False)
class ExampleTable:
    """Examples as stored numbers; an example is its stored numbers times `scale`.

    Attributes:
        rows: (n_classes, n_exemplars, *example_shape) of the innermost source, int64 ids, float32, or uint8; where
            packed, (n_classes, n_exemplars, bytes), eight pixels a byte, the first in the highest bit. Not a copy if
            the source stores them so.
        packed: whether they are.
        scale: factor from stored numbers to examples.
        noise: standard deviation of the source's own noise in an example.
        orders: base order of each augmentation around the stored classes, the outermost first.
        small: whether images are 28x28 already.
    """

    rows: npt.NDArray[Any]
    packed: bool = False
    scale: float = 1.0
    noise: float = 0.0
    orders: tuple[npt.NDArray[np.int64], ...] = ()
    small: bool = False


def example_table(source: Source, *, small: bool) -> ExampleTable | None:
    """The table of a source, of 28x28 images if `small` asks for them and they are exact, None if it has to be asked.

    Args:
        source: where examples come from.
        small: whether 28x28 images are wanted and no noise comes before that.
    """
    orders: list[npt.NDArray[np.int64]] = []
    base = source
    while _is(base, Augmented):
        orders.append(base.base_order)
        base = base.source
    if _is(base, SymbolicSource):
        return ExampleTable(rows=np.arange(base.n_classes, dtype=np.int64)[:, None])
    if _is(base, OmniglotSource):
        if small:
            return ExampleTable(rows=small_omniglot(base), scale=float(WHITE) / UNIT, orders=tuple(orders), small=True)
        if base.bits is not None:
            return ExampleTable(rows=base.bits, packed=True, scale=float(WHITE), orders=tuple(orders))
        return ExampleTable(rows=base.images[..., None], scale=float(WHITE), orders=tuple(orders))
    if _is(base, GaussianSource):
        scale = float(1 / np.sqrt(1 + base.noise_scale**2))
        noise = float(scale * base.noise_scale / np.sqrt(base.example_shape[0]))
        return ExampleTable(rows=base.means[:, None], scale=scale, noise=noise)
    if _is(base, ArraySource) and isinstance(base.array, np.ndarray) and base.in_memory:
        rows = base.array.reshape(base.n_classes, base.n_exemplars, *base.example_shape)
        if base.kind == "id":
            rows = rows.astype(np.int64, copy=False)
        elif rows.dtype != np.uint8:
            rows = rows.astype(np.float32, copy=False)
        return ExampleTable(rows=rows, scale=base.scale, noise=base.noise_scale, orders=tuple(orders))
    return None


def _is(source: Source, kind: type[_BuiltIn]) -> TypeGuard[_BuiltIn]:
    """Whether a source gathers as a built-in one does; a subclass may have a `gather` of its own."""
    return isinstance(source, kind) and type(source).gather is kind.gather
