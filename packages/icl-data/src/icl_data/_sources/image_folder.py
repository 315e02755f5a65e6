"""Image files, one folder a class; needs the extra `icl-data[images]`."""

from __future__ import annotations

import math
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from icl_data._array_files.claims import MOST_DEFLATED, check_expansion
from icl_data._array_files.unreadable import in_words
from icl_data._sources.array import ArraySource
from icl_data.foundation.extras import import_extra
from icl_data.foundation.paths import user_path
from icl_data.foundation.regular_file import NotAFile, open_file

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
# What these endings stand for, whatever a file is called: Pillow has formats that it gives to other programs to read.
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
_MOST_FILES = 1 << 21
_GREY, _COLOUR = ("1", "L"), ("P", "RGB")


class ImageFolderSource(ArraySource):
    """Images of a folder that holds one folder a class, all read into memory.

    Classes are in the order of their folders' names, exemplars in the order of their files' names. Images are bytes,
    (H, W, 1) if all are grey or black and white, else (H, W, 3).

    Args:
        folder: the folder.
        noise_scale: standard deviation of the Gaussian noise that `gather` adds.

    Attributes:
        class_names: the folders' names.

    Raises:
        ImportError: the extra `icl-data[images]` is not installed.
        OSError: a folder cannot be listed.
        ValueError: no images, classes or images of different sizes, an image with an alpha channel or more than
            eight bits, an animation, a file that cannot be read or has far less in it than it says, or images that
            do not fit into memory.
    """

    def __init__(self, folder: str | os.PathLike[str], noise_scale: float = 0.0) -> None:
        pillow = import_extra("PIL.Image", "icl-data[images]", "ImageFolderSource")
        self.folder = user_path(folder)
        files = _files(self.folder)
        self.class_names = tuple(files)
        super().__init__(
            _read([path for paths in files.values() for path in paths], len(files), pillow), "image", noise_scale
        )

    def __repr__(self) -> str:
        shape = (self.n_classes, self.n_exemplars, *self.example_shape)
        return f"ImageFolderSource({str(self.folder)!r}, noise_scale={self.noise_scale}): images of shape {shape}"


def _files(folder: Path) -> dict[str, list[Path]]:
    """Sorted image files of each class."""
    if not folder.is_dir():
        raise ValueError(f"folder must hold one folder a class, got {str(folder)!r}, which is no folder")
    entries = list(islice(folder.iterdir(), _MOST_FILES + 1))
    if len(entries) > _MOST_FILES:
        raise ValueError(f"folder must hold at most {_MOST_FILES:,} images, got more in {str(folder)!r}")
    classes = sorted(path for path in entries if path.is_dir() and not path.name.startswith("."))
    if not classes:
        raise ValueError(f"folder must hold one folder a class, got {str(folder)!r}, which holds none")
    files: dict[str, list[Path]] = {}
    n_files = 0
    for path in classes:
        files[path.name] = sorted(islice(filter(_is_image, path.iterdir()), _MOST_FILES - n_files + 1))
        n_files += len(files[path.name])
        if n_files > _MOST_FILES:
            raise ValueError(f"folder must hold at most {_MOST_FILES:,} images, got more in {str(folder)!r}")
    first, *others = files
    for name in (first, *others):
        if not files[name]:
            raise ValueError(f"every class must have images ({' '.join(SUFFIXES)}), got none in {str(folder / name)!r}")
        if len(files[name]) != len(files[first]):
            raise ValueError(
                f"every class must have the same number of images, got {len(files[first])} in {first!r} and "
                f"{len(files[name])} in {name!r} of {str(folder)!r}"
            )
    return files


def _is_image(path: Path) -> bool:
    """Whether it has an image's name; what it is must show when it is opened, since none is left out unsaid."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _read(paths: list[Path], n_classes: int, pillow: Any) -> npt.NDArray[np.uint8]:
    """(n_classes, n_exemplars, H, W, C) bytes."""
    first, *others = (_Facts.of(path, pillow) for path in paths)
    for path, other in zip(paths[1:], others, strict=True):
        if other.size != first.size:
            raise ValueError(
                f"every image must have the same size, got {first.size} in {str(paths[0])!r} and {other.size} in "
                f"{str(path)!r}"
            )
    facts = (first, *others)
    mode, n_channels = ("L", 1) if {one.mode for one in facts} <= set(_GREY) else ("RGB", 3)
    shape = (len(paths), *first.size[::-1], n_channels)
    what = f"{len(paths):,} images of {first.size[0]}x{first.size[1]} in {str(paths[0].parent.parent)!r}"
    check_expansion(what, math.prod(shape), sum(one.n_bytes for one in facts), most=MOST_DEFLATED)
    images = np.empty(shape, dtype=np.uint8)
    for place, path in enumerate(paths):
        with _opened(path, pillow) as (image, _):
            images[place] = np.asarray(image.convert(mode)).reshape(images.shape[1:])
    return images.reshape(n_classes, -1, *images.shape[1:])


@dataclass(frozen=True)
class _Facts:
    """Width and height, mode, and bytes of an image's file."""

    size: tuple[int, int]
    mode: str
    n_bytes: int

    @classmethod
    def of(cls, path: Path, pillow: Any) -> _Facts:
        with _opened(path, pillow) as (image, n_bytes):
            facts = cls(image.size, image.mode, n_bytes)
            check_expansion("its pixels", math.prod(facts.size) * len(image.getbands()), n_bytes, most=MOST_DEFLATED)
            several = bool(getattr(image, "is_animated", False))
        if facts.mode not in _GREY + _COLOUR:
            raise ValueError(
                f"images must have one of the modes {', '.join(_GREY + _COLOUR)}, got {facts.mode} in {str(path)!r}"
            )
        if several:
            raise ValueError(f"every image must be one, got several, as of an animation, in {str(path)!r}")
        return facts


@contextmanager
def _opened(path: Path, pillow: Any) -> Iterator[tuple[Any, int]]:
    """An image, and the bytes of its file; what goes wrong in the block is said of it in one line."""
    try:
        with open_file(path) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is odd in a file that can be read all the same
            warnings.simplefilter("error", pillow.DecompressionBombWarning)
            with pillow.open(file, formats=_FORMATS) as image:
                yield image, os.fstat(file.fileno()).st_size
    except Exception as error:  # a damaged file can fail in any way
        raise ValueError(f"cannot read the image {str(path)!r}: {_reason(error, pillow)}") from error


def _reason(error: Exception, pillow: Any) -> str:
    if isinstance(error, MemoryError):
        return "it does not fit into memory"
    if isinstance(error, NotAFile):
        return f"it {error.strerror}"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    if isinstance(error, (pillow.DecompressionBombWarning, pillow.DecompressionBombError)):
        got = re.search(r"\(([0-9]+) pixels\)", str(error))
        return (
            f"it must have at most {pillow.MAX_IMAGE_PIXELS:,} pixels, got {int(got[1]):,}"
            if got
            else "it is too large"
        )
    if isinstance(error, pillow.UnidentifiedImageError):
        return f"it must be an image of the kind {', '.join(_FORMATS)}, got another file"
    return in_words(error)
