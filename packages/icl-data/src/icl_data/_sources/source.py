"""What an example of a class looks like: the `Source` protocol and the simplest source."""

from __future__ import annotations

from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from icl_data._sources.counts import check_at_least

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
        ValueError: n is no integer, or not positive.
    """

    kind: Kind = "id"
    n_exemplars = 1
    example_shape: tuple[int, ...] = ()
    noise_scale = 0.0

    def __init__(self, n: int) -> None:
        check_at_least(1, n=n)
        self.n_classes = int(n)
        self.class_keys = np.arange(n, dtype=np.int64)

    def __repr__(self) -> str:
        return f"SymbolicSource({self.n_classes})"

    def gather(
        self, class_index: npt.ArrayLike, exemplar_index: npt.ArrayLike, noise: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[np.int32]:
        """The ids themselves, int32, in the shape of class_index.

        Args:
            class_index: class positions, any shape.
            exemplar_index, noise: not used, as all examples of a class are its number.
        """
        return np.array(class_index, dtype=np.int32)
