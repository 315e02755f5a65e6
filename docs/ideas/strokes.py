"""Invented letters: each class is a pen stroke past five points, each exemplar the same stroke by another hand."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

SIZE, POINTS, STEPS = 48, 5, 60
PEN = 1.4  # pixels from the middle of the line to its edge
HAND = 0.045  # how far a hand moves a point, in widths of the image


class Strokes:
    """Images (48, 48, 1) of letters, 1 on paper and 0 where the pen was; they are drawn when they are asked for."""

    kind: Literal["image"] = "image"
    example_shape = (SIZE, SIZE, 1)
    noise_scale = 0.0

    def __init__(self, n_classes: int, n_exemplars: int, seed: int = 3) -> None:
        rng = np.random.default_rng(seed)
        self.n_classes, self.n_exemplars = n_classes, n_exemplars
        self.class_keys = np.arange(n_classes)
        letters = rng.uniform(0.15, 0.85, size=(n_classes, 1, POINTS, 2))
        self._points = letters + rng.normal(0, HAND, size=(n_classes, n_exemplars, POINTS, 2))

    def gather(
        self, class_index: npt.ArrayLike, exemplar_index: npt.ArrayLike, noise: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[np.float32]:
        """Images in the shape of the indices + (48, 48, 1)."""
        points = self._points[np.asarray(class_index), np.asarray(exemplar_index)]
        images = np.empty((*points.shape[:-2], SIZE, SIZE, 1), dtype=np.float32)
        for index in np.ndindex(points.shape[:-2]):
            images[index] = _letter(points[index])[..., None]
        return 1 - images  # ink on paper


def _letter(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """The image (48, 48) of a curve past its points (5, 2), from the first to the last."""
    time = np.linspace(0, POINTS - 1, STEPS)[:, None]
    weights = np.exp(-1.6 * (time - np.arange(POINTS)) ** 2)
    curve = (weights / weights.sum(axis=1, keepdims=True)) @ points * SIZE  # (STEPS, 2)
    grid = np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE), indexing="ij"), axis=-1)
    distance = np.sqrt(((grid[:, :, None] - curve) ** 2).sum(axis=-1)).min(axis=-1)
    return np.clip(PEN + 0.5 - distance, 0, 1).astype(np.float32)


def letters() -> Strokes:
    """What ``icl-data show --source strokes:letters`` calls."""
    return Strokes(n_classes=200, n_exemplars=20)
