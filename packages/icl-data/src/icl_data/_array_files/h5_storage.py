"""What an HDF5 file says of a data set, held against what it stores of it.

The HDF5 library reads what is not stored as fill values, as much as the shape says; inflates a chunk as far as its
stream goes; and ends the process for some of the chunks that a damaged index names.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from typing import Any

from icl_data._array_files.claims import check_expansion

# Numbers of HDF5's filters. Of others the library takes as much memory as their settings in the file say.
_DEFLATE, _SHUFFLE, _FLETCHER, _SZIP, _LZF = 1, 2, 3, 4, 32_000
_COMPRESSIONS = (_DEFLATE, _SZIP, _LZF)
_MOST_UNSEEN = 1 << 19  # stored bytes of a chunk that may be inflated without a look: to half a gigabyte at most
_SLACK = 4096  # bytes by which filters may enlarge a chunk that cannot be compressed, besides an eighth of it


def check_stored(dataset: Any, file_size: int) -> None:
    """Hold a data set's shape against what the file has of it.

    Args:
        dataset: an `h5py.Dataset`.
        file_size: bytes of the file.

    Raises:
        ValueError: parts of it are not there, or it is much larger than what is.
    """
    if dataset.shape is None:  # no array at all
        return
    shape, stored, number = tuple(dataset.shape), dataset.id.get_storage_size(), dataset.id.get_type().get_size()
    what, needed = f"its array of shape {shape}", math.prod(dataset.shape) * number
    if stored > file_size:
        raise ValueError(f"{what} must be stored in the file's {file_size:,} bytes, got {stored:,}")
    if dataset.chunks is None:
        if needed > stored:
            raise ValueError(f"{what} needs {needed:,} bytes, of which {stored:,} are stored")
        return
    check_expansion(what, needed, stored)
    check_expansion(f"a chunk of shape {dataset.chunks}", math.prod(dataset.chunks) * number, stored)
    n_chunks = math.prod(-(-length // chunk) for length, chunk in zip(shape, dataset.chunks, strict=True))
    if n_chunks > stored:
        raise ValueError(f"{what} must be stored whole, got {stored:,} bytes for its {n_chunks:,} chunks")
    _check_chunks(dataset, math.prod(dataset.chunks) * number, n_chunks, file_size)


def _check_chunks(dataset: Any, chunk_bytes: int, n_chunks: int, file_size: int) -> None:
    """That every chunk of the shape is there once, where the file is, and not larger than it may be."""
    kinds = _filters(dataset)
    is_place, seen, large = _places(dataset), set(), []
    most = chunk_bytes + chunk_bytes // 8 + _SLACK if kinds else chunk_bytes
    least = 1 if kinds else chunk_bytes

    def look(info: Any) -> None:
        place, start, size = info.chunk_offset, info.byte_offset, info.size
        if start is None or place in seen or not is_place(place):
            raise ValueError(f"its chunk at {place} must be in the file and the array, once: it is damaged")
        if not least <= size <= most or not 0 < start <= file_size - size:
            raise ValueError(f"its chunk at {place} must be whole and in the file, got {size:,} bytes at {start:,}")
        seen.add(place)
        if size > _MOST_UNSEEN and _DEFLATE in kinds:
            large.append(info)

    dataset.id.chunk_iter(look)
    if len(seen) != n_chunks:
        what = f"its array of shape {dataset.shape}"
        raise ValueError(f"{what} must be stored whole, got {len(seen):,} of {n_chunks:,} chunks")
    for info in large:
        if not (info.filter_mask >> kinds.index(_DEFLATE)) & 1:
            _check_deflated(dataset, info, kinds, chunk_bytes)


def _filters(dataset: Any) -> list[int]:
    """Numbers of the filters that chunks went through, one after the other."""
    listed = dataset.id.get_create_plist()
    kinds = [listed.get_filter(place)[0] for place in range(listed.get_nfilters())]
    compressions = [kind for kind in kinds if kind not in (_SHUFFLE, _FLETCHER)]
    if len(compressions) > 1 or not set(compressions) <= set(_COMPRESSIONS):
        numbers = ", ".join(map(str, compressions))
        raise ValueError(f"its array must be compressed with gzip, lzf or szip alone, got filters number {numbers}")
    return kinds


def _places(dataset: Any) -> Callable[[tuple[int, ...]], bool]:
    """Whether a chunk of the shape begins at an offset."""
    sizes = list(zip(dataset.shape, dataset.chunks, strict=True))
    return lambda offset: all(
        place < length and place % chunk == 0 for place, (length, chunk) in zip(offset, sizes, strict=True)
    )


def _check_deflated(dataset: Any, info: Any, kinds: list[int], chunk_bytes: int) -> None:
    """That a chunk does not inflate to more than it holds."""
    _, content = dataset.id.read_direct_chunk(info.chunk_offset)
    if kinds[-1] == _FLETCHER:
        content = content[:-4]
    most, inflating, length = chunk_bytes + _SLACK, zlib.decompressobj(), 0
    while content and not inflating.eof and length <= most:
        length += len(inflating.decompress(content, 1 << 20))
        content = inflating.unconsumed_tail
    if length > most:
        raise ValueError(f"its chunk at {tuple(info.chunk_offset)} must have {chunk_bytes:,} bytes, got more")
