"""What an example of a class looks like: the `Source` protocol and the two simplest sources."""

from __future__ import annotations

from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Kind = Literal["id", "vector", "image"]
KINDS: tuple[Kind, ...] = ("id", "vector", "image")


@runtime_checkable
class Source(Protocol):
    """Examples of classes, addressed by class position and exemplar position.

    Attributes:
        n_classes: number of classes; positions run over 0..n_classes-1.
        n_exemplars: number of fixed examples of each class (1 if there is one, or if variation is noise only).
        example_shape: () for ids, (D,) for vectors, (H, W, C) for images.
        kind: "id", "vector" or "image".
        class_keys: (n_classes,) ascending integer names of the classes, used as labels by labeling "original".
        noise_scale: within-class noise that the source itself applies in `gather`, 0 for none.
    """

    n_classes: int
    n_exemplars: int
    example_shape: tuple[int, ...]
    kind: Kind
    class_keys: npt.NDArray[np.int64]
    noise_scale: float

    def gather(
        self, class_index: npt.ArrayLike, exemplar_index: npt.ArrayLike, noise: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[Any]:
        """Look examples up.

        Args:
            class_index: class positions, any shape.
            exemplar_index: exemplar positions, same shape.
            noise: standard normal numbers in the shape of the result, or None for examples without noise. Sources
                whose noise_scale is 0 ignore it.

        Returns:
            The examples, class_index.shape + example_shape: int32 ids, or float32 vectors or images in [0, 1].
        """
        ...


class SymbolicSource:
    """Classes that are bare ids: the example of class k is the number k.

    Args:
        n: number of classes.

    Raises:
        ValueError: n is not positive.
    """

    kind: Kind = "id"
    n_exemplars = 1
    example_shape: tuple[int, ...] = ()
    noise_scale = 0.0

    def __init__(self, n: int) -> None:
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}")
        self.n_classes = int(n)
        self.class_keys = np.arange(n, dtype=np.int64)

    def __repr__(self) -> str:
        return f"SymbolicSource({self.n_classes})"

    def gather(
        self, class_index: npt.ArrayLike, exemplar_index: npt.ArrayLike, noise: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[np.int32]:
        """The ids themselves, int32, in the shape of class_index."""
        return np.array(class_index, dtype=np.int32)


class ArraySource:
    """Anybody's own examples, held in one array.

    Args:
        array: (n_classes, n_exemplars, *example_shape). No further axis: integer ids. One: vectors. Two or three:
            images, (H, W) gaining a channel axis. Image bytes are read as 0..255, floating images must be in [0, 1].
        kind: "id", "vector" or "image"; None reads it off the number of axes.
        noise_scale: standard deviation of the Gaussian noise that `gather` adds to vectors and images.

    Raises:
        ValueError: the array does not fit its kind, or noise is asked for ids.
    """

    def __init__(self, array: npt.ArrayLike, kind: Kind | None = None, noise_scale: float = 0.0) -> None:
        values = np.asarray(array)
        if values.ndim < 2 or values.size == 0:
            raise ValueError(
                f"array must have shape (n_classes, n_exemplars, *example_shape), no axis empty, got {values.shape}"
            )
        inferred: Kind = "id" if values.ndim == 2 else "vector" if values.ndim == 3 else "image"
        if kind is not None and kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        if kind is not None and kind != inferred:
            raise ValueError(f"kind {kind!r} does not fit an array of shape {values.shape}, which holds {inferred}s")
        if values.ndim > 5:
            raise ValueError(f"images must have shape (H, W) or (H, W, C), got {values.shape[2:]}")
        if not 0 <= noise_scale < np.inf or (noise_scale and inferred == "id"):
            raise ValueError(f"noise_scale must be >= 0 and finite, and 0 for ids, got {noise_scale} for {inferred}s")
        _check_values(values, inferred)
        self.kind: Kind = inferred
        self.array = values[..., None] if values.ndim == 4 else values
        self.n_classes, self.n_exemplars = values.shape[:2]
        self.example_shape: tuple[int, ...] = self.array.shape[2:]
        self.class_keys = np.arange(self.n_classes, dtype=np.int64)
        self.noise_scale = float(noise_scale)
        # What turns a stored number into an example: bytes of images are shares of 255.
        self.scale = 1 / 255 if inferred == "image" and values.dtype == np.uint8 else 1.0

    def __repr__(self) -> str:
        return f"ArraySource(array of shape {self.array.shape}, kind={self.kind!r}, noise_scale={self.noise_scale})"

    def gather(
        self, class_index: npt.ArrayLike, exemplar_index: npt.ArrayLike, noise: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[Any]:
        """The stored examples, see `Source.gather`."""
        found: npt.NDArray[Any] = self.array[np.asarray(class_index), np.asarray(exemplar_index)]
        if self.kind == "id":
            return np.asarray(found, dtype=np.int32)
        found = np.asarray(found, dtype=np.float32) * np.float32(self.scale)
        if noise is None or not self.noise_scale:
            return found
        return np.asarray(found + np.float32(self.noise_scale) * noise.astype(np.float32))


def _check_values(values: npt.NDArray[Any], kind: Kind) -> None:
    if kind == "id":
        if not np.issubdtype(values.dtype, np.integer) or values.min() < 0 or values.max() > np.iinfo(np.int32).max:
            raise ValueError(
                "ids must be non-negative integers of 32 bits, "
                f"got {values.dtype} from {values.min()} to {values.max()}"
            )
        return
    if values.dtype == np.uint8 and kind == "image":
        return
    if not np.isfinite(values).all():
        raise ValueError(f"{kind}s must be finite numbers")
    if kind == "image" and (values.min() < 0 or values.max() > 1):
        raise ValueError(f"floating images must lie in [0, 1], got [{values.min()}, {values.max()}]")
