"""Gaussian classes in a vector space, the data model of Reddy (2023, arXiv 2312.03002)."""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from icl_data._sources.array import ArraySource
from icl_data._sources.counts import check_at_least, check_noise_scale
from icl_data._sources.source import Kind, Source


class GaussianSource:
    """Class k is a random vector mu_k; an example is (mu_k + eps * eta) / sqrt(1 + eps**2).

    mu_k and eta are drawn from N(0, I / dim), so that examples have length near 1 whatever eps is. Class k is the same
    vector in sources of 100 and of 8,000 classes.

    Args:
        n_classes: number of classes.
        dim: dimensions D of the vectors.
        noise_scale: eps, the within-class variation relative to the spread between classes.
        seed: seed of the class vectors.

    Raises:
        ValueError: n_classes, dim or seed is no integer, n_classes or dim not positive, or seed or eps negative.
    """

    kind: Kind = "vector"
    n_exemplars = 1

    def __init__(self, n_classes: int, dim: int = 63, noise_scale: float = 0.1, seed: int = 0) -> None:
        check_at_least(1, n_classes=n_classes, dim=dim)
        check_at_least(0, seed=seed)
        check_noise_scale(noise_scale)
        self.n_classes = int(n_classes)
        self.example_shape: tuple[int, ...] = (int(dim),)
        self.noise_scale = float(noise_scale)
        self.seed = int(seed)
        self.class_keys = np.arange(n_classes, dtype=np.int64)
        # Rows are drawn one after the other from one stream, so the first rows do not depend on how many follow.
        rows = np.random.Generator(np.random.Philox(seed)).standard_normal((n_classes, dim))
        self.means: npt.NDArray[np.float32] = (rows / np.sqrt(dim)).astype(np.float32)

    def __repr__(self) -> str:
        (dim,) = self.example_shape
        return f"GaussianSource({self.n_classes}, dim={dim}, noise_scale={self.noise_scale}, seed={self.seed})"

    def new_means(self, normal: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Vectors mu of new classes, drawn as those of the source are.

        Args:
            normal: (n, dim) standard normal numbers.
        """
        return np.asarray(normal / np.sqrt(self.example_shape[0]), dtype=np.float32)

    def with_exemplars(self, count: int) -> ArraySource:
        """The same classes with so many examples of each, drawn once, in place of a new one each time.

        Exemplar e of class k is (mu_k + eps * eta_ke) / sqrt(1 + eps**2): whatever the number of classes, the same, and
        with another eps from the same eta; with another count it is another (Singh et al. 2025, arXiv 2503.05631, have
        5 exemplars of 1,600 classes).

        Args:
            count: exemplars of each class.

        Returns:
            A source of (n_classes, count) vectors, without noise.

        Raises:
            ValueError: count is no integer, or not positive.
        """
        check_at_least(1, count=count)
        # A stream of its own, whose rows also come class by class.
        stream = np.random.Generator(np.random.Philox([self.seed, 1]))
        eta = stream.standard_normal((self.n_classes, count, *self.example_shape), dtype=np.float32)
        return ArraySource(self.gather(np.arange(self.n_classes)[:, None], np.arange(count), noise=eta))

    def gather(
        self,
        class_index: npt.ArrayLike,
        exemplar_index: npt.ArrayLike,
        noise: npt.NDArray[Any] | None = None,
        *,
        new: npt.NDArray[np.float32] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Vectors, float32, class_index.shape + (dim,); without noise eta is 0.

        Args:
            class_index: class positions, any shape.
            exemplar_index: not used, as a class has one exemplar.
            noise: eta * sqrt(dim), standard normal numbers in the shape of the result, or None for eta 0.
            new: (n, dim) `new_means`, of the classes at positions n_classes to n_classes + n - 1.
        """
        index = np.asarray(class_index)
        if new is None:
            found: npt.NDArray[np.float32] = self.means[index]
        else:
            found = self.means[np.minimum(index, self.n_classes - 1)]
            is_new = index >= self.n_classes
            found[is_new] = new[index[is_new] - self.n_classes]
        if noise is not None:
            dim = self.example_shape[0]
            found = found + np.float32(self.noise_scale / np.sqrt(dim)) * noise.astype(np.float32, copy=False)
        return found * np.float32(1 / np.sqrt(1 + self.noise_scale**2))


def draws_new_classes(source: Source) -> TypeGuard[GaussianSource]:
    """Whether a source can make classes that it does not hold; a subclass may have a `gather` of its own."""
    return isinstance(source, GaussianSource) and type(source).gather is GaussianSource.gather


def check_draws_new_classes(source: Source) -> None:
    """Raise ValueError if it cannot."""
    if not draws_new_classes(source):
        raise ValueError(f"p_new needs a source that can draw new classes, a GaussianSource, got {source!r}")
