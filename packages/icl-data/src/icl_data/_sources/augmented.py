"""Eight classes out of one: flips and quarter turns of images, computed when they are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from icl_data._sources.source import Kind, Source

N_TRANSFORMS = 8
# Each of the eight transforms as at most three steps, in this order: swap rows and columns, reverse the rows, reverse
# the columns. Bit n of a number says whether transform n takes the step; so all images of a device can take it at once.
SWAPPED, ROWS_REVERSED, COLUMNS_REVERSED = 0b10101010, 0b11000110, 0b10011100


class Augmented:
    """The eight flips and quarter turns of every class of another source, each a class of its own.

    Class c is class `base_order[c // 8]` of the base, transformed by number c % 8: first flipped left to right if the
    number is 4 or more, then turned counter-clockwise by (number % 4) quarters (Chan et al. 2022, section 3). Keep the
    eight of one character on one side of a class split with `preserve_ordering_every_n=8`.

    Args:
        source: a source of square images. Nothing is copied: images are transformed on access.

    Attributes:
        source: the base.
        base_order: (base.n_classes,) base classes in the order in which they were augmented: the base's `read_order`
            if it has one (the released code augments Omniglot's characters as it reads them), else by position.

    Raises:
        ValueError: the source's examples are not square images.
    """

    kind: Kind = "image"

    def __init__(self, source: Source) -> None:
        if source.kind != "image" or source.example_shape[0] != source.example_shape[1]:
            raise ValueError(
                f"Augmented needs square images, got kind {source.kind!r} with example shape {source.example_shape}"
            )
        self.source = source
        self.n_classes = N_TRANSFORMS * source.n_classes
        self.n_exemplars = source.n_exemplars
        self.example_shape: tuple[int, ...] = source.example_shape
        self.base_order: npt.NDArray[np.int64] = np.asarray(
            getattr(source, "read_order", np.arange(source.n_classes)), dtype=np.int64
        )
        self.class_keys = np.arange(self.n_classes, dtype=np.int64)
        self.noise_scale = source.noise_scale

    def __repr__(self) -> str:
        return f"Augmented({self.source!r})"

    def gather(
        self, class_index: npt.ArrayLike, exemplar_index: npt.ArrayLike, noise: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[Any]:
        """Images, float32, class_index.shape + example_shape. Noise is applied before the transform.

        Args:
            class_index: class positions, any shape.
            exemplar_index: exemplar positions, same shape.
            noise: standard normal numbers in the shape of the result, or None for examples without noise.
        """
        block, transform = np.divmod(np.asarray(class_index), N_TRANSFORMS)
        images = np.array(self.source.gather(self.base_order[block], exemplar_index, noise))
        for number in range(1, N_TRANSFORMS):
            chosen = transform == number
            if chosen.any():
                images[chosen] = _transformed(images[chosen], number)
        return images


def _transformed(images: npt.NDArray[Any], number: int) -> npt.NDArray[Any]:
    flip, turns = divmod(number, 4)
    if flip:
        images = images[..., :, ::-1, :]
    return np.rot90(images, turns, axes=(-3, -2))
