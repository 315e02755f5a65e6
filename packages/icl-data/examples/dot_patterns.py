"""A source of your own, checked and drawn from: dot patterns, each class a prototype, each exemplar a distortion of it.

    python dot_patterns.py          # draw a few sequences and look at one
    python -m pytest dot_patterns.py    # run the conformance suite of `icl_data.testing`

Patterns of this sort are after Posner and Keele (1968), "On the genesis of abstract ideas".
"""

from __future__ import annotations

import argparse
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from icl_data import BatchSampler, Bursty, ClassSplit, Fewshot
from icl_data.testing import SourceConformance, check_source

SIZE, N_DOTS = 24, 7


class DotPatterns:
    """Images (24, 24, 1) of seven dots, white on black; an exemplar moves each dot by a pixel or so."""

    kind: Literal["image"] = "image"
    example_shape = (SIZE, SIZE, 1)
    noise_scale = 0.0  # all variation is in the exemplars, so that an index always means the same picture

    def __init__(self, n_classes: int, n_exemplars: int, jitter: float = 1.0, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.n_classes, self.n_exemplars = n_classes, n_exemplars
        self.class_keys = np.arange(n_classes)
        prototypes = rng.uniform(2, SIZE - 3, size=(n_classes, 1, N_DOTS, 2))
        moved = prototypes + rng.normal(0, jitter, size=(n_classes, n_exemplars, N_DOTS, 2))
        self._dots = np.clip(np.rint(moved), 0, SIZE - 1).astype(np.int64)

    def gather(
        self, class_index: npt.ArrayLike, exemplar_index: npt.ArrayLike, noise: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[np.float32]:
        """Images in the shape of the indices + (24, 24, 1), drawn when they are asked for."""
        dots = self._dots[np.asarray(class_index), np.asarray(exemplar_index)]  # (..., N_DOTS, 2)
        images = np.zeros((dots[..., 0, 0].size, SIZE, SIZE), dtype=np.float32)
        rows, columns = dots.reshape(-1, N_DOTS, 2).transpose(2, 0, 1)
        images[np.arange(len(images))[:, None], rows, columns] = 1
        return images.reshape(*dots.shape[:-2], SIZE, SIZE, 1)


class TestDotPatterns(SourceConformance):
    """What pytest collects: one test for each promise that a source makes."""

    def source(self) -> DotPatterns:
        return DotPatterns(n_classes=5, n_exemplars=3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()  # there are none, which it says to whoever gives one
    source = DotPatterns(n_classes=200, n_exemplars=12)
    check_source(source)  # the same promises, without pytest

    split = ClassSplit(source.class_keys, n_rare=150, n_common=10, n_holdout=40)
    # Models train on the first eight distortions of 160 classes, and are tested on others of classes they never saw.
    train = BatchSampler(source, split, Bursty(p_bursty=0.9), batch_size=32, seed=0, exemplars=range(8))
    test = BatchSampler(source, split, Fewshot(shots=3), batch_size=32, seed=0, stream="test", exemplars=range(8, 12))
    batch = train(0)
    print("images of a training batch:", source.gather(batch.class_index, batch.exemplar_index).shape)

    batch = test(0)
    first, query = batch.class_index[0] == batch.class_index[0, -1], batch.class_index[0, -1]
    shown = source.gather(batch.class_index[0, first][[0, -1]], batch.exemplar_index[0, first][[0, -1]])
    print(f"class {query}, in the context and as the query (label {batch.label[0, -1]}):")
    for left, right in zip(*shown[..., 0], strict=True):
        print("  ".join("".join("o" if pixel else "." for pixel in row) for row in (left, right)))


if __name__ == "__main__":
    main()
