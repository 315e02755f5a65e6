"""Image files, one folder a class; needs the extra `icl-data[images]`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from icl_data._sources.array import ArraySource
from icl_data.foundation.extras import import_extra
from icl_data.foundation.paths import user_path

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
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
        ValueError: no images, classes or images of different sizes, an image with an alpha channel or more than
            eight bits, or a file that cannot be read.
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
    classes = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not classes:
        raise ValueError(f"folder must hold one folder a class, got {str(folder)!r}, which holds none")
    files = {path.name: sorted(file for file in path.iterdir() if _is_image(file)) for path in classes}
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
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _read(paths: list[Path], n_classes: int, pillow: Any) -> npt.NDArray[np.uint8]:
    """(n_classes, n_exemplars, H, W, C) bytes."""
    sizes, modes = zip(*(_size_and_mode(path, pillow) for path in paths), strict=True)
    for path, size in zip(paths, sizes, strict=True):
        if size != sizes[0]:
            raise ValueError(f"every image must have the same size, got {sizes[0]} in {paths[0]} and {size} in {path}")
    mode, n_channels = ("L", 1) if set(modes) <= set(_GREY) else ("RGB", 3)
    (width, height) = sizes[0]
    images = np.empty((len(paths), height, width, n_channels), dtype=np.uint8)
    for place, path in enumerate(paths):
        try:
            with pillow.open(path) as image:
                images[place] = np.asarray(image.convert(mode)).reshape(images.shape[1:])
        except (OSError, ValueError, SyntaxError) as error:
            raise ValueError(f"cannot read the image {str(path)!r}: {error}") from error
    return images.reshape(n_classes, -1, *images.shape[1:])


def _size_and_mode(path: Path, pillow: Any) -> tuple[tuple[int, int], str]:
    try:
        with pillow.open(path) as image:
            size, mode = image.size, image.mode
    except (OSError, ValueError, SyntaxError) as error:
        raise ValueError(f"cannot read the image {str(path)!r}: {error}") from error
    if mode not in _GREY + _COLOUR:
        raise ValueError(f"images must have one of the modes {', '.join(_GREY + _COLOUR)}, got {mode} in {str(path)!r}")
    return size, mode
