"""Stand-ins for TensorFlow and TensorFlow Datasets: the few functions that the released data code calls, in NumPy."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from icl_data._omniglot.cache import load_part
from icl_data._omniglot.files import PARTS, SIZE, find_store
from icl_data._released.sanity_cases import SanityError

_GREY = np.array([0.2989, 0.5870, 0.1140], dtype=np.float32)  # tf.image.rgb_to_grayscale's weights


class Tensor:
    """An array behind `.numpy()`."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def numpy(self) -> Any:
        """The array."""
        return self._value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self._value, dtype=dtype)


class Dataset:
    """An iterable with the two methods that are used."""

    def __init__(self, elements: Callable[[], Iterable[Any]]) -> None:
        self._elements = elements

    def __iter__(self) -> Iterator[Any]:
        return iter(self._elements())

    def map(self, function: Callable[..., Any]) -> Dataset:
        """As `tf.data.Dataset.map` on tuples."""
        return Dataset(lambda: (function(*element) for element in self))

    def flat_map(self, function: Callable[[Any], Dataset]) -> Dataset:
        """As `tf.data.Dataset.flat_map` on dicts."""
        return Dataset(lambda: (inner for element in self for inner in function(element)))

    @staticmethod
    def from_tensors(element: Any) -> Dataset:
        """A dataset of one element."""
        return Dataset(lambda: [element])


@contextmanager
def stand_ins(omniglot: Path | None) -> Iterator[None]:
    """While the context lasts, `import tensorflow` and `import tensorflow_datasets` find the stand-ins.

    Afterwards `sys.modules` is what it was, whatever was imported in between.

    Args:
        omniglot: folder from which `tensorflow_datasets.load("omniglot", ...)` serves; None if it will not be asked.
    """
    before = sys.modules.copy()
    for name in before:
        if name.partition(".")[0] in ("tensorflow", "tensorflow_datasets"):
            del sys.modules[name]
    tensorflow = _tensorflow()
    sys.modules.update(
        {
            "tensorflow": tensorflow,
            "tensorflow.compat": tensorflow.compat,
            "tensorflow.compat.v2": tensorflow,
            "tensorflow_datasets": _module("tensorflow_datasets", load=partial(_load, omniglot)),
        }
    )
    try:
        yield
    finally:
        for name in sys.modules.keys() - before.keys():
            del sys.modules[name]
        sys.modules.update(before)


def _module(name: str, **members: Any) -> Any:
    module = ModuleType(name, f"Stand-in for {name}.")
    module.__dict__.update(members)
    return module


def _tensorflow() -> Any:
    image = _module(
        "tensorflow.image",
        convert_image_dtype=lambda image, dtype: Tensor(np.asarray(image) * np.float32(1 / 255)),
        rgb_to_grayscale=lambda image: Tensor((np.asarray(image) @ _GREY)[..., None]),
        flip_left_right=lambda image: np.asarray(image)[..., ::-1, :],
        rot90=lambda image, k: np.rot90(np.asarray(image), k, axes=(-3, -2)),
    )
    tensorflow = _module(
        "tensorflow",
        float32=np.float32,
        int32=np.int32,
        cast=lambda value, dtype: np.asarray(value).astype(dtype),
        zeros_like=np.zeros_like,
        stack=np.stack,
        reshape=np.reshape,
        image=image,
        data=_module("tensorflow.data", Dataset=Dataset),
    )
    tensorflow.compat = _module("tensorflow.compat", v2=tensorflow)
    return tensorflow


def _load(omniglot: Path | None, name: str, split: str, **options: Any) -> Dataset:
    """(image, label) pairs in the order in which TensorFlow Datasets reads them, images as colours."""
    if name != "omniglot" or omniglot is None:
        raise SanityError(f"only omniglot can be loaded, and only where its cases are checked, got {name!r}")
    (part,) = (part for part in PARTS if part.tfds_split == split)

    def pairs() -> Iterator[tuple[Tensor, Tensor]]:
        images = load_part(find_store(omniglot, part), part, None)
        for place in images.ranks.ravel().argsort().tolist():
            index, exemplar = divmod(place, images.ranks.shape[1])
            white = np.unpackbits(images.packed[index, exemplar], count=SIZE * SIZE)
            colours = np.repeat(white * np.uint8(255), 3).reshape(SIZE, SIZE, 3)
            yield Tensor(colours), Tensor(images.keys[index])

    return Dataset(pairs)
