"""Reading Omniglot's image files from its zips or folders, in TensorFlow Datasets' order."""

from __future__ import annotations

import hashlib
import mmap
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from icl_data._omniglot.png import read_one_bit_pngs
from icl_data._omniglot.stores import FolderStore, Store, ZipStore
from icl_data.foundation.paths import describe
from icl_data.foundation.printable import one_line

SIZE = 105
OFFICIAL_BASE = "https://github.com/brendenlake/omniglot/raw/master/python"
_ENTRY = re.compile(r"(?:^|/)([^/]+)/character(\d+)/(\d{4})_(\d+)\.png$")


class OmniglotError(ValueError):
    """Omniglot is not where it was looked for, or damaged."""


class _FoundTwice(ValueError):
    """Two files of one drawing, of which a class would get both."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One of the two published halves: its name in the official files and in TensorFlow Datasets, and the official zip.

    Attributes:
        n_images: images in it.
        n_bytes, sha256: of the zip.
    """

    name: str
    tfds_split: str
    n_images: int
    n_bytes: int
    sha256: str

    @property
    def url(self) -> str:
        """Where the official zip is served."""
        return f"{OFFICIAL_BASE}/{self.name}.zip"


BACKGROUND = Part(
    name="images_background",
    tfds_split="train",
    n_images=19_280,
    n_bytes=9_464_212,
    sha256="ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640",
)
EVALUATION = Part(
    name="images_evaluation",
    tfds_split="test",
    n_images=13_180,
    n_bytes=6_462_886,
    sha256="1f61a8f3366785b057fc117d9228e78a16e3d976c8953b2a10fcc74cf0609cee",
)
PARTS = (BACKGROUND, EVALUATION)


@dataclass(frozen=True)
class PackedImages:
    """Images of one part, ordered by class and, within a class, by TensorFlow Datasets' read order.

    Attributes:
        keys: (n,) class keys, ascending.
        ranks: (n, n_exemplars) place of each image in that read order of the whole part.
        packed: (n, n_exemplars, 1379) bytes, 11,025 pixels each, 1 white.
    """

    keys: npt.NDArray[np.int64]
    ranks: npt.NDArray[np.int64]
    packed: npt.NDArray[np.uint8]


def find_store(folder: Path, part: Part) -> Store:
    """The zip of a part in a folder, or else its unpacked folder.

    Raises:
        OmniglotError: neither is there, which says how to get them; or the zip cannot be read, is no file or is far
            larger than the official one.
    """
    try:
        if (folder / f"{part.name}.zip").exists():
            return ZipStore(folder / f"{part.name}.zip", part.n_images)
        if (folder / part.name).is_dir():
            return FolderStore(folder / part.name, part.n_images)
    except (OSError, ValueError, MemoryError) as error:
        raise OmniglotError(f"cannot read Omniglot in {str(folder)!r}: {_reason(error)}") from error
    what = "no such folder" if not folder.is_dir() else f"it holds neither {part.name}.zip nor {part.name}/"
    raise OmniglotError(
        f"Omniglot not found in {str(folder)!r}: {what}; run icl-data omniglot fetch (for another folder than its own: "
        f"--to FOLDER), or download {BACKGROUND.url} and {EVALUATION.url} into it"
    )


def read_part(store: Store, part: Part) -> PackedImages:
    """Read and order all images of a part.

    Raises:
        OmniglotError: the files are damaged, incomplete or far more or larger than Omniglot's, or a drawing is there
            twice; the message names the zip or folder.
    """
    try:
        names, contents = _named(store.files())
        read_order = sorted(range(len(names)), key=lambda i: _hash(names[i][1], part))
        ranks = np.empty(len(names), dtype=np.int64)
        ranks[read_order] = np.arange(len(names))
        return arrange([key for key, _ in names], ranks, contents)
    except _FoundTwice as error:
        raise OmniglotError(f"{str(store.path)!r} must hold every drawing once, {error}") from error
    except Exception as error:  # a damaged file can fail in any way
        raise OmniglotError(
            f"{str(store.path)!r} is not a readable part of Omniglot ({_reason(error)}); download {part.url} again"
        ) from error


def arrange(keys: list[int], ranks: npt.NDArray[np.int64], contents: list[bytes]) -> PackedImages:
    """Images by class and, within a class, by read order.

    Args:
        keys: class key of each image.
        ranks: its place in the read order.
        contents: its PNG file.

    Raises:
        ValueError: there are none, a class has more than another, or a file is no one-bit PNG of 105x105.
    """
    classes, counts = np.unique(keys, return_counts=True)
    if len(classes) == 0:
        raise ValueError("no files named <Alphabet>/characterNN/CCCC_EE.png in it")
    if len(set(counts.tolist())) > 1:
        odd = int(np.argmax(counts != np.bincount(counts).argmax()))
        raise ValueError(f"character {classes[odd] + 1:04d} has {counts[odd]} images, others another number")
    order = np.lexsort((ranks, np.array(keys)))
    shape = (len(classes), int(counts[0]))
    packed = _decode([contents[i] for i in order]).reshape(*shape, -1)
    return PackedImages(keys=classes.astype(np.int64), ranks=ranks[order].reshape(shape), packed=packed)


def _decode(files: list[bytes]) -> npt.NDArray[np.uint8]:
    """(n, 1379) packed pixels of PNG files, some thousands at a time so that little memory is held besides."""
    width = (SIZE * SIZE + 7) // 8
    # Pages of its own: the allocator would keep so large a piece for later use when the source has copied it.
    packed = np.frombuffer(mmap.mmap(-1, len(files) * width), dtype=np.uint8).reshape(-1, width)
    for start in range(0, len(files), 4096):
        lines = read_one_bit_pngs(files[start : start + 4096], SIZE)
        for first in range(0, len(lines), 512):
            pixels = np.unpackbits(lines[first : first + 512], axis=-1, count=SIZE).reshape(-1, SIZE * SIZE)
            packed[start + first : start + first + len(pixels)] = np.packbits(pixels, axis=-1)
    return packed


def _named(files: Iterable[tuple[str, bytes]]) -> tuple[list[tuple[int, str]], list[bytes]]:
    """Class key and TensorFlow Datasets' key of each image, and its content."""
    names: list[tuple[int, str]] = []
    contents: list[bytes] = []
    paths: dict[tuple[int, int], str] = {}
    for path, content in files:
        match = _ENTRY.search(path)
        if match is None:
            continue
        alphabet, character, number, drawing = match.groups()
        # The number is the character's in all of Omniglot, so that a copy is one under any alphabet's name.
        first = paths.setdefault((int(number), int(drawing)), path)
        if len(paths) == len(names):
            raise _FoundTwice(
                f"got drawing {int(drawing)} of character {number} twice: {first!r} and {path!r}; remove one of them"
            )
        names.append((int(number) - 1, f"{alphabet}_{int(character) - 1}_{number}_{drawing}.png"))
        contents.append(content)
    return names, contents


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "it does not fit into memory"
    return describe(error) if isinstance(error, OSError) else one_line(error) or "it is damaged"


def _hash(name: str, part: Part) -> bytes:
    return hashlib.md5(f"{part.tfds_split}{name}".encode(), usedforsecurity=False).digest()
