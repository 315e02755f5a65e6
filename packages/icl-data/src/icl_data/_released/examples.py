"""Which exemplar stands for each class of a sequence, and the noise on it, drawn as the released code draws them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from icl_data._sequences.split import ClassSplit
from icl_data._sources.counts import check_noise_scale
from icl_data._sources.source import Source

Ints = npt.NDArray[np.int64]


class ReleasedExamples:
    """Draws examples from the legacy NumPy stream it is given.

    What is drawn stays a number (class position * n_exemplars + exemplar) until `look_up`, so that no images are moved
    about while positions change places. Only where noise or random images enter are the examples themselves drawn.
    """

    def __init__(self, source: Source, split: ClassSplit, noise_scale: float, stream: np.random.RandomState) -> None:
        check_noise_scale(noise_scale)
        self._source = source
        self._noise_scale = noise_scale
        self._stream = stream
        self._rare_keys = [int(position) for position in split.rare]
        self._n_exemplars = source.n_exemplars
        self._numbered = not source.noise_scale and (not noise_scale or source.kind == "id")
        self._dtype = np.dtype(np.int32 if source.kind == "id" else np.float32)

    def check_random_rare(self) -> None:
        """Raise ValueError unless random images can stand in for the rare classes."""
        source = self._source
        if source.kind != "image" or source.n_exemplars != 1:
            raise ValueError(
                "randomly_generate_rare needs a source of images with one exemplar per class, such as "
                f"OmniglotSource(exemplars='single'), got kind {source.kind!r} with {source.n_exemplars} exemplars"
            )

    def draw(self, classes: Ints, randomly_generate_rare: bool) -> npt.NDArray[Any]:
        """Numbers (L,) or examples (L, *example_shape) of the classes at these positions."""
        if randomly_generate_rare or not self._numbered:
            return self._draw_values(classes, randomly_generate_rare)
        numbers = self._draw_numbers(classes)
        if self._noise_scale:  # released adds noise to ids, and cuts it off again
            self._stream.normal(0, self._noise_scale, classes.shape)
        return numbers

    def look_up(self, drawn: npt.NDArray[Any], randomly_generate_rare: bool) -> npt.NDArray[Any]:
        """Examples (L, *example_shape) of what was drawn, int32 ids or float32, in memory of their own."""
        if self._numbered and not randomly_generate_rare:
            drawn = self._source.gather(*self._divided(drawn))
        return drawn.astype(self._dtype)

    def _divided(self, numbers: Ints) -> tuple[Ints, Ints]:
        """Class and exemplar positions."""
        if self._n_exemplars == 1:
            return numbers, np.zeros(len(numbers), dtype=np.int64)
        return np.divmod(numbers, self._n_exemplars)

    def _draw_numbers(self, classes: Ints) -> Ints:
        n_exemplars = self._n_exemplars
        if n_exemplars == 1:
            return classes
        places: dict[int, list[int]] = {}
        for place, position in enumerate(classes.tolist()):
            places.setdefault(position, []).append(place)
        numbers = classes * n_exemplars
        for position in sorted(places):
            where = places[position]
            if len(where) > n_exemplars:
                raise ValueError(
                    f"a class may appear at most n_exemplars = {n_exemplars} times in a sequence, "
                    f"got {len(where)} appearances of class {position}"
                )
            # RandomState.choice without replacement is the beginning of a shuffled whole
            deck = list(range(n_exemplars))
            self._stream.shuffle(deck)
            numbers[where] += deck[: len(where)]
        return numbers

    def _draw_values(self, classes: Ints, randomly_generate_rare: bool) -> npt.NDArray[Any]:
        source = self._source
        own_noise = None
        if source.noise_scale:
            own_noise = self._stream.normal(size=(len(classes), *source.example_shape))
        examples = source.gather(*self._divided(self._draw_numbers(classes)), own_noise)
        if randomly_generate_rare:
            examples = self._replace_rare(examples, classes)
        if not self._noise_scale:
            return examples
        noise = self._stream.normal(0, self._noise_scale, examples.shape)
        if source.kind == "id":
            return examples
        if self._n_exemplars > 1:
            return np.asarray(examples.astype(np.float64) + noise)
        return np.asarray(examples + noise.astype(examples.dtype))

    def _replace_rare(self, examples: npt.NDArray[Any], classes: Ints) -> npt.NDArray[Any]:
        examples = examples.copy()
        # The iteration order of this set decides which class gets which image, so it is built as released.
        for position in set(classes.tolist()).intersection(self._rare_keys):
            examples[classes == position] = self._stream.randint(2, size=self._source.example_shape)
        return examples
