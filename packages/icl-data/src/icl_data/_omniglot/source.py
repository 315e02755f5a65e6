"""Omniglot (Lake et al. 2015): 1,623 characters, 20 drawings of each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from icl_data._omniglot.cache import CacheFolder, fetched_folder, load_part
from icl_data._omniglot.files import BACKGROUND, EVALUATION, SIZE, OmniglotError, PackedImages, find_store
from icl_data._omniglot.freed_memory import give_back_freed_memory
from icl_data._omniglot.tfds import read_tfds
from icl_data._sources.counts import check_integers
from icl_data._sources.source import Kind
from icl_data.foundation.aligned import aligned_empty
from icl_data.foundation.paths import user_path

# White paper: the grey weights through which TensorFlow turns the images from colour add up to a little less than 1.
WHITE = np.float32(float.fromhex("0x1.fff2e6p-1"))
Bytes = npt.NDArray[np.uint8]
_PARTS = {"all": (BACKGROUND, EVALUATION), "train": (BACKGROUND,), "test": (EVALUATION,)}
_EXEMPLARS = ("all", "single", "separated")


class OmniglotSource:
    """Omniglot images from the official zips or unpacked folders.

    Class keys are the global numbers of the characters from 0, 0..963 for split "train" and 964..1622 for "test". The
    drawings of a character are in the order in which TensorFlow Datasets reads them.

    Args:
        path: folder with images_background.zip and images_evaluation.zip, or with those two unpacked; None for the
            one that `icl-data omniglot fetch` fills.
        split: "all", "train" (the background set) or "test" (the evaluation set).
        exemplars: "all" drawings, the "single" first one, or "separated": every drawing a class of its own, with key
            20 * character + drawing.
        n_to_keep: keep only that many classes, the first by key.
        cache: folder for a decoded copy that makes the next start faster, False for none, None for the folder that
            the environment variable ICL_CACHE names or else the user's cache folder.
        packed: keep images at one bit a pixel, an eighth of the memory, and unpack those that are asked for.

    Attributes:
        bits: (n_classes, n_exemplars, 1379) uint8, eight pixels a byte, row by row, the first in the highest bit and
            the last byte filled up with zeros; None unless packed.
        read_order: (n_classes,) class positions in the order in which TensorFlow Datasets first reads one of theirs;
            with n_to_keep, ascending, as in the released code.

    Raises:
        OmniglotError: the files are missing, damaged or incomplete.
        ValueError: an unknown name, or n_to_keep outside 1..n_classes.
    """

    kind: Kind = "image"
    noise_scale = 0.0
    _made_by = "OmniglotSource"

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        split: str = "all",
        exemplars: str = "all",
        n_to_keep: int | None = None,
        cache: CacheFolder = None,
        packed: bool = False,
    ) -> None:
        _check_names(split, exemplars)
        folder = fetched_folder() if path is None else user_path(path)
        parts = [load_part(find_store(folder, part), part, cache) for part in _PARTS[split]]
        self._hold(parts, folder, split, exemplars, n_to_keep, packed)
        del parts
        give_back_freed_memory()

    @classmethod
    def from_tfds(
        cls,
        data_dir: str | os.PathLike[str] | None = None,
        split: str = "all",
        exemplars: str = "all",
        n_to_keep: int | None = None,
        packed: bool = False,
    ) -> OmniglotSource:
        """The same classes, order and pixels from a folder that TensorFlow Datasets has prepared, without downloading.

        Args:
            data_dir: the folder that was `data_dir` then; None for TensorFlow Datasets' own.
            split, exemplars, n_to_keep, packed: as above.

        Raises:
            ImportError: the extra `icl-data[tfds]` is not installed.
            OmniglotError: the folder holds no prepared Omniglot, or a damaged one.
            ValueError: an unknown name, or n_to_keep outside 1..n_classes.
        """
        _check_names(split, exemplars)
        folder = None if data_dir is None else user_path(data_dir)
        source = cls.__new__(cls)
        source._made_by = "OmniglotSource.from_tfds"
        parts = [read_tfds(folder, part) for part in _PARTS[split]]
        source._hold(parts, folder, split, exemplars, n_to_keep, packed)
        del parts
        give_back_freed_memory()
        return source

    def _hold(
        self,
        parts: list[PackedImages],
        folder: Path | None,
        split: str,
        exemplars: str,
        n_to_keep: int | None,
        packed: bool,
    ) -> None:
        per_class = {part.packed.shape[1] for part in parts}
        if len(per_class) > 1:
            raise OmniglotError(f"the two parts in {str(folder)!r} have different numbers of drawings per character")
        keys, bits = np.concatenate([part.keys for part in parts]), [part.packed for part in parts]
        ranks = np.concatenate([part.ranks for part in parts])
        ranks[len(parts[0].keys) :] += parts[0].ranks.size  # the evaluation set is read after the background set
        if (np.diff(keys) <= 0).any():
            raise OmniglotError(f"the two parts in {str(folder)!r} share characters")
        n_drawings = per_class.pop()
        if exemplars == "single":
            ranks, bits = ranks[:, :1], [part[:, :1] for part in bits]
        elif exemplars == "separated":
            keys = (keys[:, None] * n_drawings + np.arange(n_drawings)).reshape(-1)
            ranks, bits = ranks.reshape(-1, 1), [part.reshape(-1, 1, part.shape[2]) for part in bits]
        n_kept = len(keys) if n_to_keep is None else n_to_keep
        check_integers(n_to_keep=n_kept)
        if not 1 <= n_kept <= len(keys):
            raise ValueError(f"n_to_keep must be in 1..{len(keys)}, got {n_to_keep}")
        bits = [bits[0][:n_kept], *(part[: max(n_kept - len(bits[0]), 0)] for part in bits[1:])]
        self.path, self.split, self.exemplars, self.packed = folder, split, exemplars, packed
        self.bits: Bytes | None = _joined(bits) if packed else None
        self._images: Bytes | None = None if packed else _unpack(bits)
        # The released code sorts the classes that it keeps, if it is told how many.
        first_read = ranks.min(axis=1) if n_to_keep is None else np.arange(n_kept)
        self.read_order: npt.NDArray[np.int64] = np.argsort(first_read)
        self.class_keys: npt.NDArray[np.int64] = keys[:n_kept].astype(np.int64)
        self.n_classes, self.n_exemplars = n_kept, ranks.shape[1]
        self.example_shape: tuple[int, ...] = (SIZE, SIZE, 1)

    @property
    def images(self) -> Bytes:
        """(n_classes, n_exemplars, 105, 105) uint8, white paper 1 and ink 0; if packed, unpacked anew each time."""
        if self.bits is not None:
            return _unpack([self.bits])
        assert self._images is not None
        return self._images

    def __repr__(self) -> str:
        packed = ", packed=True" if self.packed else ""
        return (
            f"{self._made_by}({str(self.path)!r}, split={self.split!r}, exemplars={self.exemplars!r}{packed}): "
            f"{self.n_classes} classes of {self.n_exemplars}"
        )

    def pixels(self, class_index: npt.ArrayLike, exemplar_index: npt.ArrayLike) -> Bytes:
        """Images as they are drawn, uint8, in the broadcast shape of the indices + (105, 105): ink 0, paper 1.

        Args:
            class_index: class positions, any shape.
            exemplar_index: exemplar positions, a shape that broadcasts with that.
        """
        where = np.asarray(class_index), np.asarray(exemplar_index)
        if self.bits is not None:
            found = np.unpackbits(self.bits[where], axis=-1, count=SIZE * SIZE)
            return found.reshape(*found.shape[:-1], SIZE, SIZE)
        assert self._images is not None
        return np.asarray(self._images[where])

    def gather(
        self, class_index: npt.ArrayLike, exemplar_index: npt.ArrayLike, noise: npt.NDArray[Any] | None = None
    ) -> npt.NDArray[np.float32]:
        """Images, float32, class_index.shape + (105, 105, 1): ink 0, paper 0.9999.

        Args:
            class_index: class positions, any shape.
            exemplar_index: exemplar positions, same shape.
            noise: not used, as the drawings have no noise of their own.
        """
        return np.asarray(self.pixels(class_index, exemplar_index) * WHITE, dtype=np.float32)[..., None]


def _check_names(split: str, exemplars: str) -> None:
    if split not in _PARTS:
        raise ValueError(f"split must be one of {', '.join(_PARTS)}, got {split!r}")
    if exemplars not in _EXEMPLARS:
        raise ValueError(f"exemplars must be one of {', '.join(_EXEMPLARS)}, got {exemplars!r}")


def _joined(parts: list[Bytes]) -> Bytes:
    return np.concatenate(parts, out=aligned_empty((sum(map(len, parts)), *parts[0].shape[1:]), np.uint8))


def _unpack(parts: list[Bytes]) -> Bytes:
    """One byte per pixel, class by class so that no second copy of everything is ever held."""
    images: Bytes = aligned_empty((sum(map(len, parts)), parts[0].shape[1], SIZE, SIZE), np.uint8)
    start, step = 0, 64
    for bits in parts:
        for first in range(0, len(bits), step):
            chunk = bits[first : first + step]
            pixels = np.unpackbits(chunk, axis=-1, count=SIZE * SIZE)
            images[start + first : start + first + len(chunk)] = pixels.reshape(*chunk.shape[:2], SIZE, SIZE)
        start += len(bits)
    return images
