"""A source of your own: each class is a sinusoid, each exemplar another phase of it.

Draw a few sequences from it, or train on it from this folder:

    python own_source.py
    icl-train run laptop --data.source own_source:sinusoids --data.n-rare-classes 490 --data.n-holdout-classes 100
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from icl_data import BatchSampler, Bursty, ClassSplit
from icl_data.testing import check_source


class Sinusoids:
    """Vectors of 32 samples of cos(frequency * t + phase): a frequency per class, a phase per exemplar."""

    kind: Literal["vector"] = "vector"
    example_shape = (32,)
    noise_scale = 0.0  # no noise of its own: one class and exemplar is always the same example

    def __init__(self, n_classes: int, n_exemplars: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.n_classes, self.n_exemplars = n_classes, n_exemplars
        self.class_keys = np.arange(n_classes)
        self._frequency = rng.uniform(0.2, 3.0, size=n_classes)
        self._phase = rng.uniform(0.0, 1.0, size=(n_classes, n_exemplars))

    def gather(
        self, class_index: npt.ArrayLike, exemplar_index: npt.ArrayLike, noise: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[np.float32]:
        """Examples at the indices, in their shape + (32,); there is no noise to add."""
        frequency = self._frequency[np.asarray(class_index)][..., None]
        phase = self._phase[np.asarray(class_index), np.asarray(exemplar_index)][..., None]
        return np.cos(frequency * np.arange(32) + phase).astype(np.float32)


def sinusoids() -> Sinusoids:
    """What ``--data.source own_source:sinusoids`` calls."""
    return Sinusoids(n_classes=600, n_exemplars=20)


def main() -> None:
    source = sinusoids()
    check_source(source)
    split = ClassSplit(source.class_keys, n_rare=490, n_common=10, n_holdout=100)
    batch = BatchSampler(source, split, Bursty(p_bursty=1.0), batch_size=4, seed=0)(0)
    for classes, labels in zip(batch.class_index, batch.label, strict=True):
        context = " ".join(f"{key}:{label}" for key, label in zip(classes[:-1], labels[:-1], strict=True))
        print(f"class:label {context}, query class {classes[-1]} has label {labels[-1]}")
    print("examples of the batch:", source.gather(batch.class_index, batch.exemplar_index).shape)


if __name__ == "__main__":
    main()
