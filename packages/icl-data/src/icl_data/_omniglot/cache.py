"""A bit-packed copy of what was read from Omniglot's files, so that the next start takes a fraction of a second."""

from __future__ import annotations

import os
import sys
import zlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from icl_data._array_files.npz import open_npz, read_npz
from icl_data._omniglot.files import SIZE, OmniglotError, PackedImages, Part, read_part
from icl_data._omniglot.limits import Allowance
from icl_data._omniglot.stores import Store
from icl_data.foundation.paths import describe, user_path
from icl_data.foundation.printable import one_line
from icl_data.foundation.whole_file import whole_file

CacheFolder = str | os.PathLike[str] | Literal[False] | None
_FORMAT = 3  # raise it when the content or order of the cached arrays changes, or what is refused


def cache_folder(cache: CacheFolder) -> Path | None:
    """The folder for cached images: the argument, else the environment variable ICL_CACHE, else the user's cache.

    False and an empty ICL_CACHE mean none.
    """
    if cache is False:
        return None
    if cache is not None:
        return user_path(cache)
    if "ICL_CACHE" in os.environ:
        return user_path(os.environ["ICL_CACHE"]) if os.environ["ICL_CACHE"] else None
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "~/AppData/Local")
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return user_path(base) / "icl-data"
    except ValueError:  # a user without a home, as containers have them
        return None


def fetched_folder() -> Path:
    """Where `icl-data omniglot fetch` puts the zips: `omniglot` in the folder for cached images.

    Raises:
        OmniglotError: ICL_CACHE is empty, so that there is no such folder.
    """
    folder = cache_folder(None)
    if folder is None:
        raise OmniglotError("ICL_CACHE is empty, which means no cache folder, so Omniglot's folder must be named")
    return folder / "omniglot"


def load_part(store: Store, part: Part, cache: CacheFolder) -> PackedImages:
    """The images of a part, from the cache if it holds what the files hold, else from the files.

    Raises:
        OmniglotError: the files are damaged or cannot be read. A cache that is damaged or cannot be written raises
            nothing.
    """
    folder = cache_folder(cache)
    if folder is None:
        return read_part(store, part)
    try:
        fingerprint = store.fingerprint()
    except (OSError, ValueError) as error:
        reason = describe(error) if isinstance(error, OSError) else one_line(error)
        raise OmniglotError(f"cannot read {str(store.path)!r}: {reason}") from error
    path = folder / f"{part.name}-{_FORMAT}-{fingerprint[:32]}.npz"
    cached = _read(path, part)
    if cached is not None:
        return cached
    images = read_part(store, part)
    _write(path, images)
    return images


def _read(path: Path, part: Part) -> PackedImages | None:
    try:
        packed = open_npz(path, "packed")  # mapped, so that no second copy is held when the source has made its own
        if not _is_packed(packed, part):
            return None
        keys, ranks, checksum = read_npz(path, "keys", "ranks", "checksum")
        if zlib.crc32(packed.data) != checksum:
            return None
    except ValueError:  # damaged, or not there
        return None
    if keys.shape != packed.shape[:1] or ranks.shape != packed.shape[:2]:
        return None
    if {keys.dtype, ranks.dtype} != {np.dtype(np.int64)} or (np.diff(keys) <= 0).any():
        return None
    counts = np.bincount(np.clip(ranks, 0, ranks.size).reshape(-1), minlength=ranks.size)
    if len(counts) != ranks.size or (counts != 1).any():
        return None
    return PackedImages(keys=keys, ranks=ranks, packed=packed)


def _is_packed(packed: npt.NDArray[Any], part: Part) -> bool:
    width = (SIZE * SIZE + 7) // 8
    if packed.dtype != np.uint8 or packed.ndim != 3 or packed.shape[2] != width:
        return False
    n_images: int = packed.shape[0] * packed.shape[1]
    return n_images <= Allowance(part.n_images).most_images


def _write(path: Path, images: PackedImages) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as beside:
            checksum = np.array(zlib.crc32(images.packed.data))
            np.savez(beside, keys=images.keys, ranks=images.ranks, packed=images.packed, checksum=checksum)
    except OSError:
        return  # a cache is a convenience: a folder that is full or read-only must not stop anybody
