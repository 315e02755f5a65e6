"""Random drawings in the place of Omniglot's, where a run is timed whose files are not there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from icl_train.config import RunConfig

__all__ = ["Drawings", "without_files"]

_CLASSES = 1623 * 20  # as many as there can be, each drawing a class of its own
_EXEMPLARS, _SIDE = 20, 105


class Drawings:
    """A source of classes of 20 images of 105 x 105; those of one class are those of every other."""

    kind: Literal["image"] = "image"
    noise_scale = 0.0
    n_classes, n_exemplars = _CLASSES, _EXEMPLARS
    example_shape = (_SIDE, _SIDE, 1)

    def __init__(self) -> None:
        self.class_keys = np.arange(_CLASSES, dtype=np.int64)
        random = np.random.default_rng(0).random((_EXEMPLARS, *self.example_shape))
        self._images = (random < 0.1).astype(np.float32)  # about as much ink as a drawing has

    def gather(
        self, class_index: npt.ArrayLike, exemplar_index: npt.ArrayLike, noise: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[Any]:
        """The images, see `icl_data.Source`; there is no noise to add.

        Args:
            class_index: class positions, any shape.
            exemplar_index: exemplar positions, same shape.
            noise: none is added.
        """
        _, exemplars = np.broadcast_arrays(class_index, exemplar_index)
        found: npt.NDArray[Any] = self._images[exemplars]
        return found


def without_files(config: RunConfig) -> RunConfig:
    """The same run on random drawings, if it is one on Omniglot.

    Args:
        config: the run's settings.
    """
    if config.data.source != "omniglot":
        return config
    data = replace(config.data, source=f"{__name__}:{Drawings.__name__}", omniglot=None, exemplars="all")
    return replace(config, data=data)
