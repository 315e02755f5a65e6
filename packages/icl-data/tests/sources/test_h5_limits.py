"""HDF5 files give what they store themselves, no more than it can be, and damage ends no process."""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from limited import limited

from icl_data import ArraySource
from icl_data._array_files import h5_datasets, h5_storage

h5py: Any = pytest.importorskip("h5py", reason='h5py is not installed: pip install "icl-data[h5]"')
MIB = 1 << 20
VECTORS = np.random.default_rng(0).normal(size=(6, 3, 4))
HUGE = (2, 1 << 24, 64)


def _unallocated(file: Any) -> None:
    file.create_dataset("a", HUGE, dtype="f8", chunks=(1, 1024, 64))


def _unallocated_whole(file: Any) -> None:
    file.create_dataset("a", HUGE, dtype="f8")


def _filled(file: Any) -> None:
    file.create_dataset("a", HUGE, dtype="f8", chunks=(1, 1 << 20, 64), fillvalue=1.0, compression="gzip")


def _grown(file: Any) -> None:
    file.create_dataset("a", data=VECTORS, maxshape=(None, 3, 4), chunks=(2, 3, 4)).resize(1 << 40, axis=0)


def _half_written(file: Any) -> None:
    file.create_dataset("a", VECTORS.shape, dtype="f8", chunks=(2, 3, 4))[:4] = VECTORS[:4]


def _virtual(file: Any) -> None:
    layout = h5py.VirtualLayout(shape=VECTORS.shape, dtype="f8")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "a", shape=VECTORS.shape)
    file.create_virtual_dataset("a", layout)


def _external(file: Any) -> None:
    file.create_dataset("a", (1, 1, 10), dtype="u1", external=[("/etc/passwd", 0, 10)])


def _external_link(file: Any) -> None:
    file["a"] = h5py.ExternalLink("elsewhere.h5", "a")


def _external_group(file: Any) -> None:
    file["a"] = h5py.SoftLink("/there/a")
    file["there"] = h5py.ExternalLink("elsewhere.h5", "/")


def _round(file: Any) -> None:
    file["a"] = h5py.SoftLink("/b/c")
    file["b"] = h5py.SoftLink("/a")


def _nowhere(file: Any) -> None:
    file["a"] = h5py.SoftLink("/b/c")


REFUSED: dict[str, tuple[Callable[[Any], None], str]] = {
    "unallocated": (_unallocated, "its array of shape (2, 16777216, 64) must take at most 256 bytes"),
    "unallocated whole": (_unallocated_whole, "needs 17,179,869,184 bytes, of which 0 are stored"),
    "fill value": (_filled, "its array of shape (2, 16777216, 64) must take at most 256 bytes"),
    "grown": (_grown, "must fit into memory, got 105,553,116,266,496 bytes"),
    "half written": (_half_written, "must be stored whole, got 2 of 3 chunks"),
    "virtual": (_virtual, "'a' must lie in the file, got a virtual one"),
    "external": (_external, "'a' must lie in the file, got one stored in '/etc/passwd'"),
    "external link": (_external_link, "'a' must lie in the file, got a link to 'elsewhere.h5'"),
    "external group": (_external_group, "'a' must lie in the file, got a link to 'elsewhere.h5'"),
    "round": (_round, "'a' must be at most 16 links away, got links that go round"),
    "nowhere": (_nowhere, "it must hold an array, got none"),
}  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is; beside it lies one that links may lead to."""
    with h5py.File(tmp_path / "elsewhere.h5", "w") as file:
        file["a"] = VECTORS
    return tmp_path / "x.h5"


def _refused(path: Path, key: str | None = "a") -> str:
    with pytest.raises(ValueError) as caught:
        ArraySource.from_h5(path, key)
    assert str(caught.value).startswith(f"cannot read an array from {str(path)!r}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_file_does_not_store_whole_in_itself_is_refused(path: Path, name: str) -> None:
    make, message = REFUSED[name]
    with h5py.File(path, "w") as file:
        make(file)
    assert path.stat().st_size < 20_000
    assert message in _refused(path)


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of processes there")
@pytest.mark.parametrize("make", [_unallocated, _unallocated_whole, _filled])
def test_no_memory_is_taken_for_what_is_not_stored(path: Path, make: Callable[[Any], None]) -> None:
    with h5py.File(path, "w") as file:
        make(file)
    found = limited("ArraySource.from_h5(path, 'a')", path, warm=path.with_name("elsewhere.h5"))
    assert found.message.startswith("cannot read an array from")
    assert found.n_bytes < 16 * MIB


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of processes there")
def test_chunk_does_not_inflate_beyond_what_it_holds(path: Path) -> None:
    deflating = zlib.compressobj(1)
    bomb = b"".join([deflating.compress(bytes(MIB)) for _ in range(200)]) + deflating.flush()
    shape = (1, 2, len(bomb))  # so that a chunk of this size is believable
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("a", shape, dtype="u1", chunks=shape, compression="gzip")
        dataset.id.write_direct_chunk((0, 0, 0), bomb)
    assert len(bomb) > h5_storage._MOST_UNSEEN
    found = limited("ArraySource.from_h5(path, 'a')", path, warm=path.with_name("elsewhere.h5"))
    assert f"its chunk at (0, 0, 0) must have {2 * len(bomb):,} bytes, got more" in found.message
    assert found.n_bytes < 16 * MIB


def test_chunk_that_cannot_be_compressed_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(h5_storage, "_MOST_UNSEEN", 10)
    for options in ({}, {"fletcher32": True}, {"shuffle": True, "fletcher32": True}):
        with h5py.File(path, "w") as file:
            file.create_dataset("a", data=VECTORS, chunks=(6, 3, 4), compression="gzip", **options)
        assert ArraySource.from_h5(path).gather(5, 2).tolist() == VECTORS[5, 2].astype(np.float32).tolist()


@pytest.mark.parametrize("place", [0, (1 << 64) - 1, 1 << 40])
def test_chunk_that_its_index_puts_nowhere_is_refused(path: Path, place: int) -> None:
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("a", data=VECTORS, chunks=(2, 3, 4), compression="lzf", fletcher32=True)
        address = struct.pack("<Q", dataset.id.get_chunk_info(1).byte_offset)
    content = path.read_bytes()
    assert content.count(address) == 1
    path.write_bytes(content.replace(address, struct.pack("<Q", place)))
    assert "must be " in _refused(path)


@pytest.mark.parametrize("options", [{"scaleoffset": 3}, {"compression": "gzip", "scaleoffset": 3}], ids=str)
def test_filter_that_takes_the_memory_its_settings_say_is_refused(path: Path, options: dict[str, Any]) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("a", data=VECTORS, chunks=(2, 3, 4), **options)
    assert "must be compressed with gzip, lzf or szip alone, got filters number 6" in _refused(path)


def test_links_within_the_file_are_followed(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["group/data"] = VECTORS
        file["group/short"] = h5py.SoftLink("data")
        file["long"] = h5py.SoftLink("/group/short")
        file["folder"] = h5py.SoftLink("group")
        file["group/self"] = file["group"]
    for key in ("group/data", "group/short", "long", "folder/short", "/group/self/self/data", None):
        np.testing.assert_array_equal(ArraySource.from_h5(path, key).gather(5, 2), VECTORS[5, 2].astype(np.float32))


def test_names_are_looked_for_no_deeper_and_no_longer_than_somebody_would(path: Path, monkeypatch) -> None:
    with h5py.File(path, "w") as file:
        for number in range(30):
            file[f"{number:02d}"] = 1
        file["/".join(["x"] * 1000)] = 1
    assert "key must be one of 00, 01, " in _refused(path, None)
    monkeypatch.setattr(h5_datasets, "_MOST_OBJECTS", 5)
    assert "key must be one of 00, 01, 02, 03, 04, got none" in _refused(path, None)


def test_array_that_became_another_is_named(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["a"] = VECTORS
    source = ArraySource.from_h5(path)
    with h5py.File(path, "w") as file:
        file["a"] = VECTORS[:2]
    with pytest.raises(ValueError, match=r"must have the shape \(6, 3, 4\) that it had, got \(2, 3, 4\)$"):
        source.gather(0, 0)


def test_large_class_is_looked_through_in_pieces(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icl_data._sources.array._BYTES_AT_A_TIME", 64)
    with h5py.File(path, "w") as file:
        file["a"] = VECTORS
    assert ArraySource.from_h5(path).n_classes == 6
    with h5py.File(path, "r+") as file:
        file["a"][5, 2, 3] = np.nan
    with pytest.raises(ValueError, match="finite"):
        ArraySource.from_h5(path)
