"""Which exemplar stands for each class of a sequence, and the noise on it, drawn as the released code draws them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from icl_data._source import Source
from icl_data._split import ClassSplit


class ReleasedExamples:
    """Draws examples from the legacy NumPy stream it is given."""

    def __init__(self, source: Source, split: ClassSplit, noise_scale: float, stream: np.random.RandomState) -> None:
        if not 0 <= noise_scale < np.inf:
            raise ValueError(f"noise_scale must be >= 0 and finite, got {noise_scale}")
        self._source = source
        self._noise_scale = noise_scale
        self._stream = stream
        self._rare_keys = [int(position) for position in split.rare]

    def check_random_rare(self) -> None:
        """Raise ValueError unless random images can stand in for the rare classes."""
        source = self._source
        if source.kind != "image" or source.n_exemplars != 1:
            raise ValueError(
                "randomly_generate_rare needs a source of images with one exemplar per class, such as "
                f"OmniglotSource(exemplars='single'), got kind {source.kind!r} with {source.n_exemplars} exemplars"
            )

    def draw(self, classes: npt.NDArray[np.int64], randomly_generate_rare: bool) -> npt.NDArray[Any]:
        """Examples (L, *example_shape) of the classes at these positions."""
        source = self._source
        own_noise = None
        if source.noise_scale:
            own_noise = self._stream.normal(size=(len(classes), *source.example_shape))
        examples = source.gather(classes, self._draw_exemplars(classes), own_noise)
        if randomly_generate_rare:
            examples = self._replace_rare(examples, classes)
        if not self._noise_scale:
            return examples
        noise = self._stream.normal(0, self._noise_scale, examples.shape)
        if source.kind == "id":
            return examples
        if source.n_exemplars > 1:
            return np.asarray(examples.astype(np.float64) + noise)
        return np.asarray(examples + noise.astype(examples.dtype))

    def _draw_exemplars(self, classes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        chosen = np.zeros(len(classes), dtype=np.int64)
        n_exemplars = self._source.n_exemplars
        if n_exemplars == 1:
            return chosen
        for position in np.unique(classes):
            where = np.flatnonzero(classes == position)
            if len(where) > n_exemplars:
                raise ValueError(
                    f"a class may appear at most n_exemplars = {n_exemplars} times in a sequence, "
                    f"got {len(where)} appearances of class {position}"
                )
            chosen[where] = self._stream.choice(n_exemplars, size=len(where), replace=False)
        return chosen

    def _replace_rare(self, examples: npt.NDArray[Any], classes: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        examples = examples.copy()
        # The iteration order of this set decides which class gets which image, so it is built as released.
        for position in set(classes.tolist()).intersection(self._rare_keys):
            examples[classes == position] = self._stream.randint(2, size=self._source.example_shape)
        return examples
