"""Sources of every sort, and what the banks of torch and JAX both promise of them."""

from __future__ import annotations

import numpy as np
import pytest

from icl_data import ArraySource, Augmented, GaussianSource, SymbolicSource

RNG = np.random.default_rng(0)


class Foreign:
    """A source that the bank has never heard of."""

    kind, n_classes, n_exemplars, example_shape = "vector", 6, 2, (3,)
    class_keys = np.arange(6)

    def __init__(self, noise_scale: float) -> None:
        self.noise_scale = noise_scale

    def gather(self, class_index, exemplar_index, noise=None):
        clean = np.stack([class_index, exemplar_index, np.ones(np.shape(class_index))], axis=-1).astype(np.float32)
        return clean if noise is None else (clean + self.noise_scale * noise).astype(np.float32)


BUILT_IN = [
    SymbolicSource(6),
    GaussianSource(6, dim=4),
    ArraySource(RNG.integers(50, size=(6, 2))),
    ArraySource(RNG.normal(size=(6, 2, 5))),
    ArraySource(RNG.random((6, 2, 8, 8)), noise_scale=0.1),
    ArraySource(RNG.integers(256, size=(6, 2, 8, 8, 3), dtype=np.uint8)),
    Augmented(ArraySource(RNG.integers(256, size=(6, 2, 8, 8, 3), dtype=np.uint8))),
    Augmented(Augmented(ArraySource(RNG.random((3, 2, 8, 8))))),
]


def assert_positions_outside_are_refused(bank, source, outside: int, convert) -> None:
    """One line for each of the two kinds of position."""
    with pytest.raises(IndexError, match=rf"^class_index must be in 0\.\.{source.n_classes - 1}, got {outside}$"):
        bank.gather(convert([0, outside]), convert([0, 0]))
    with pytest.raises(IndexError, match=rf"^exemplar_index must be in 0\.\.{source.n_exemplars - 1}, got {outside}$"):
        bank.gather(convert([0, 0]), convert([0, outside]))
