"""Anybody's own examples, from memory or from a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from icl_data._array_files.h5_rows import H5Rows
from icl_data._array_files.npz import open_npz
from icl_data._array_files.unreadable import UnreadableArray
from icl_data._sources.counts import is_standard_deviation
from icl_data._sources.source import KINDS, Kind
from icl_data.foundation.paths import user_path

_BYTES_AT_A_TIME = 1 << 24


class ArraySource:
    """Anybody's own examples, held in one array.

    Args:
        array: (n_classes, n_exemplars, *example_shape). No further axis: integer ids. One: vectors. Two or three:
            images, (H, W) gaining a channel axis. Image bytes are read as 0..255, floating images must be in [0, 1].
        kind: "id", "vector" or "image"; None reads it off the number of axes.
        noise_scale: standard deviation of the Gaussian noise that `gather` adds to vectors and images.

    Attributes:
        in_memory: False if examples are read from a file, each time they are asked for.

    Raises:
        ValueError: the array does not fit its kind, or noise is asked for ids.
    """

    def __init__(self, array: npt.ArrayLike | H5Rows, kind: Kind | None = None, noise_scale: float = 0.0) -> None:
        values = array if isinstance(array, H5Rows) else np.asarray(array)
        shape = values.shape
        if len(shape) < 2 or 0 in shape:
            raise ValueError(
                f"array must have shape (n_classes, n_exemplars, *example_shape), no axis empty, got {shape}"
            )
        inferred: Kind = "id" if len(shape) == 2 else "vector" if len(shape) == 3 else "image"
        if kind is not None and kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        if kind is not None and kind != inferred:
            raise ValueError(f"kind {kind!r} does not fit an array of shape {shape}, which holds {inferred}s")
        if len(shape) > 5:
            raise ValueError(f"images must have shape (H, W) or (H, W, C), got {shape[2:]}")
        if not is_standard_deviation(noise_scale) or (noise_scale and inferred == "id"):
            raise ValueError(f"noise_scale must be >= 0 and finite, and 0 for ids, got {noise_scale} for {inferred}s")
        _check_values(values, inferred)
        self.kind: Kind = inferred
        self.array = values
        self.in_memory = not isinstance(array, H5Rows | np.memmap)
        self.n_classes: int = shape[0]
        self.n_exemplars: int = shape[1]
        self.example_shape: tuple[int, ...] = (*shape[2:], 1) if len(shape) == 4 else shape[2:]
        self.class_keys = np.arange(self.n_classes, dtype=np.int64)
        self.noise_scale = float(noise_scale)
        # What turns a stored number into an example: bytes of images are shares of 255.
        self.scale = 1 / 255 if inferred == "image" and values.dtype == np.uint8 else 1.0

    @staticmethod
    def from_npz(
        path: str | os.PathLike[str], key: str | None = None, *, kind: Kind | None = None, noise_scale: float = 0.0
    ) -> ArraySource:
        """An array from a .npz or .npy file. Uncompressed, it stays in the file, from which examples are read.

        Args:
            path: the file.
            key: name of the array in a .npz file; None for the only one, and for .npy files.
            kind, noise_scale: as above.

        Raises:
            ValueError: the file cannot be read, has no such array, or the array is not as above.
        """
        values = open_npz(user_path(path), key)
        with _about(path, key):
            return ArraySource(values, kind, noise_scale)

    @staticmethod
    def from_h5(
        path: str | os.PathLike[str], key: str | None = None, *, kind: Kind | None = None, noise_scale: float = 0.0
    ) -> ArraySource:
        """A dataset of an HDF5 file, in which it stays; examples are read from there.

        Args:
            path: the file.
            key: path of the dataset in it; None for the only one.
            kind, noise_scale: as above.

        Raises:
            ImportError: the extra `icl-data[h5]` is not installed.
            ValueError: the file cannot be read, has no such dataset, or the dataset is not as above.
        """
        values = H5Rows(user_path(path), key)
        with _about(path, key):
            return ArraySource(values, kind, noise_scale)

    def __repr__(self) -> str:
        shape = (self.n_classes, self.n_exemplars, *self.example_shape)
        return f"ArraySource(array of shape {shape}, kind={self.kind!r}, noise_scale={self.noise_scale})"

    def gather(
        self, class_index: npt.ArrayLike, exemplar_index: npt.ArrayLike, noise: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[Any]:
        """The stored examples, see `Source.gather`.

        Args:
            class_index: class positions, any shape.
            exemplar_index: exemplar positions, same shape.
            noise: standard normal numbers in the shape of the result, or None for examples without noise.
        """
        found: npt.NDArray[Any] = self.array[np.asarray(class_index), np.asarray(exemplar_index)]
        if self.kind == "id":
            return np.asarray(found, dtype=np.int32)
        if self.example_shape != self.array.shape[2:]:
            found = found[..., None]
        found = np.asarray(found, dtype=np.float32) * np.float32(self.scale)
        if noise is None or not self.noise_scale:
            return found
        return np.asarray(found + np.float32(self.noise_scale) * noise.astype(np.float32))


@contextmanager
def _about(path: str | os.PathLike[str], key: str | None) -> Iterator[None]:
    """What is wrong with a file's array is said with the file's name."""
    try:
        yield
    except UnreadableArray:  # it names the file
        raise
    except ValueError as error:
        where = os.fspath(path) if key is None else f"{os.fspath(path)}:{key}"
        raise ValueError(f"{where!r}: {error}") from error


def _check_values(values: npt.NDArray[Any] | H5Rows, kind: Kind) -> None:
    dtype = values.dtype
    if kind == "id" and not np.issubdtype(dtype, np.integer):
        raise ValueError(f"ids must be non-negative integers of 32 bits, got {dtype}")
    if kind == "image" and dtype == np.uint8:
        return
    if dtype.kind not in "biuf":
        raise ValueError(f"{kind}s must be real numbers, got {dtype}")
    low, high = _range(values)
    if kind == "id" and (low < 0 or high > np.iinfo(np.int32).max):
        raise ValueError(f"ids must be non-negative integers of 32 bits, got {dtype} from {low} to {high}")
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"{kind}s must be finite numbers")
    if kind == "image" and (low < 0 or high > 1):
        raise ValueError(f"images must be bytes (uint8) or numbers in [0, 1], got [{low}, {high}] of {dtype}")
    if max(-float(low), float(high)) > float(np.finfo(np.float32).max):  # examples are float32
        raise ValueError(f"{kind}s must be finite numbers of 32 bits, got {dtype} from {low} to {high}")


def _range(values: npt.NDArray[Any] | H5Rows) -> tuple[Any, Any]:
    """Smallest and largest value, NaN if there is one, some classes at a time as they may be in a file."""
    lows, highs = [], []
    for block in _blocks(values):
        lows.append(block.min())
        highs.append(block.max())
    return np.min(lows), np.max(highs)


def _blocks(values: npt.NDArray[Any] | H5Rows) -> Iterator[npt.NDArray[Any]]:
    """All values, as many classes at a time as are few bytes, or as many exemplars of one."""
    n_classes, n_exemplars = values.shape[:2]
    example = values.size * values.dtype.itemsize // (n_classes * n_exemplars)
    some = max(_BYTES_AT_A_TIME // example, 1)
    if some >= n_exemplars:
        step = some // n_exemplars
        for first in range(0, n_classes, step):
            yield values[first : first + step]
        return
    for index in range(n_classes):
        for first in range(0, n_exemplars, some):
            yield values[index, first : first + some]
