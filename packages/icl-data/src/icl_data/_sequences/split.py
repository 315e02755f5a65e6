"""Which classes are rare, common and held out, and how often each is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, InitVar, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from icl_data._sources.counts import check_at_least, check_integers, is_number

CLASS_TYPES = ("rare", "common", "zipfian", "holdout")


def check_class_type(name: str) -> None:
    """Raise ValueError unless `name` is a class type."""
    if name not in CLASS_TYPES:
        raise ValueError(f"class_type must be one of {', '.join(CLASS_TYPES)}, got {name!r}")


@dataclass(frozen=True, eq=False)
class ClassSplit:
    """A seeded division of classes into rare, common and holdout ones (Chan et al. 2022, section 2).

    Classes are given by their positions 0..n_classes-1; `keys` are the numbers that name them. The order of the classes
    is one draw without replacement from `numpy.random.default_rng(seed)`; rare classes come first, then common ones,
    and holdout classes are the last of that order.

    Args:
        n_classes_or_keys: how many classes there are, or their ascending keys.
        n_rare, n_common, n_holdout: how many classes of each type.
        zipf_exponent: frequency of the class at position i of the T trained ones is 1 / (T - i)**exponent, normalised:
            the last common class is the most frequent, and exponent 0 is uniform.
        use_zipf_for_common_rare: draw rare or common classes by their slice of those weights instead of uniformly.
        preserve_ordering_every_n: keep blocks of that many consecutive classes together, so that all transforms (8) or
            all separated exemplars (20) of a character fall on the same side.
        seed: seed of the order.

    Attributes:
        rare, common, holdout: class positions in the drawn order.
        trained: rare then common.
        zipf_weights: (n_rare + n_common,) weights that add up to 1.
        keys: (n_classes,) class keys.

    Raises:
        ValueError: the types do not fit into the classes, blocks do not divide them, or a frequency is too small or
            large for a float, the seed is no integer of at least 0, or keys are no ascending integers.
    """

    n_classes_or_keys: InitVar[int | Sequence[int] | npt.NDArray[Any]]
    _: KW_ONLY
    n_rare: int
    n_common: int
    n_holdout: int = 0
    zipf_exponent: float = 0.0
    use_zipf_for_common_rare: bool = False
    preserve_ordering_every_n: int | None = None
    seed: int = 1337
    keys: npt.NDArray[np.int64] = field(init=False, repr=False)
    rare: npt.NDArray[np.int64] = field(init=False, repr=False)
    common: npt.NDArray[np.int64] = field(init=False, repr=False)
    holdout: npt.NDArray[np.int64] = field(init=False, repr=False)
    trained: npt.NDArray[np.int64] = field(init=False, repr=False)
    zipf_weights: npt.NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self, n_classes_or_keys: int | Sequence[int] | npt.NDArray[Any]) -> None:
        keys = _as_keys(n_classes_or_keys)
        sizes = (self.n_rare, self.n_common, self.n_holdout)
        check_integers(n_rare=self.n_rare, n_common=self.n_common, n_holdout=self.n_holdout)
        if min(sizes) < 0 or sum(sizes) > len(keys):
            raise ValueError(
                "n_rare, n_common and n_holdout must be >= 0 and fit into the classes there are, got "
                f"n_rare={self.n_rare}, n_common={self.n_common}, n_holdout={self.n_holdout}, n_classes={len(keys)}"
            )
        if not (is_number(self.zipf_exponent) and _is_finite(self.zipf_exponent)):
            raise ValueError(f"zipf_exponent must be a finite number, got {self.zipf_exponent!r}")
        order = _draw_order(len(keys), self.preserve_ordering_every_n, self.seed)
        n_trained = self.n_rare + self.n_common
        self._set("keys", keys)
        self._set("rare", order[: self.n_rare])
        self._set("common", order[self.n_rare : n_trained])
        self._set("trained", order[:n_trained])
        self._set("holdout", order[len(order) - self.n_holdout :])
        self._set("zipf_weights", _zipf_weights(n_trained, float(self.zipf_exponent)))

    def _set(self, name: str, values: npt.NDArray[Any]) -> None:
        values = values.copy()
        values.flags.writeable = False
        object.__setattr__(self, name, values)

    @property
    def n_classes(self) -> int:
        """Number of classes that were split, drawn or not."""
        return len(self.keys)

    def classes(self, class_type: str) -> npt.NDArray[np.int64]:
        """Positions of the classes of a type.

        Args:
            class_type: "rare", "common", "zipfian" (rare then common) or "holdout".

        Returns:
            (n,) class positions, read-only.

        Raises:
            ValueError: no such type.
        """
        check_class_type(class_type)
        return {"rare": self.rare, "common": self.common, "zipfian": self.trained, "holdout": self.holdout}[class_type]

    def weights(self, class_type: str) -> npt.NDArray[np.float64]:
        """Probabilities with which the classes of a type are drawn, in the order of `classes`.

        Args:
            class_type: as in `classes`.

        Raises:
            ValueError: no such type.
        """
        n = len(self.classes(class_type))
        if class_type == "zipfian":
            return self.zipf_weights
        if self.use_zipf_for_common_rare and class_type != "holdout":
            part: npt.NDArray[np.float64] = (
                self.zipf_weights[: self.n_rare] if class_type == "rare" else self.zipf_weights[self.n_rare :]
            )
            return np.asarray(part / part.sum())
        return np.full(n, 1.0 / n) if n else np.zeros(0)

    def first_label(self, class_type: str, polysemy: int = 1) -> int:
        """Label of the first class of a type under labeling "ordered".

        Args:
            class_type: as in `classes`.
            polysemy: labels per class.

        Raises:
            ValueError: no such type.
        """
        check_class_type(class_type)
        n_trained = self.n_rare + self.n_common
        before = {"rare": 0, "zipfian": 0, "common": self.n_rare, "holdout": n_trained}[class_type]
        return before * polysemy


def _as_keys(n_classes_or_keys: int | Sequence[int] | npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    if isinstance(n_classes_or_keys, (int, np.integer)):
        check_at_least(1, n_classes=n_classes_or_keys)
        return np.arange(n_classes_or_keys, dtype=np.int64)
    keys = np.asarray(n_classes_or_keys)
    if keys.ndim != 1 or len(keys) == 0 or (keys[1:] <= keys[:-1]).any():
        raise ValueError(f"class keys must be one ascending list without repeats, got shape {keys.shape}")
    if not np.issubdtype(keys.dtype, np.integer):
        raise ValueError(f"class keys must be integers, got {keys.dtype}")
    return keys.astype(np.int64)


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number that no float holds
        return False


def _zipf_weights(n: int, exponent: float) -> npt.NDArray[np.float64]:
    try:
        weights = np.array([1.0 / float(rank) ** exponent for rank in range(n, 0, -1)])
        with np.errstate(over="raise", under="raise", invalid="raise"):
            return np.asarray(weights / weights.sum())
    except ArithmeticError:
        raise ValueError(f"zipf_exponent must leave every frequency a float, got {exponent} for {n} classes") from None


def _draw_order(n: int, block: int | None, seed: int) -> npt.NDArray[np.int64]:
    check_integers(seed=seed)
    if seed < 0:
        raise ValueError(f"seed must be >= 0, got {seed}")
    rng = np.random.default_rng(seed)
    if block is None:
        return np.asarray(rng.choice(n, size=n, replace=False), dtype=np.int64)
    check_integers(preserve_ordering_every_n=block)
    if block < 1 or n % block:
        raise ValueError(f"preserve_ordering_every_n must divide the number of classes {n}, got {block}")
    blocks = rng.choice(n // block, size=n // block, replace=False)
    return (blocks[:, None] * block + np.arange(block)).reshape(-1).astype(np.int64)
