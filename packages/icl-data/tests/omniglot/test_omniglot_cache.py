"""The cache makes loading faster and can never make it wrong."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np
import pytest

import icl_data._omniglot.cache as cache_module
from icl_data import OmniglotError, OmniglotSource
from icl_data._omniglot.files import BACKGROUND


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the parts that were read from their own files."""
    seen: list[str] = []
    original = cache_module.read_part

    def spy(store, part):
        seen.append(part.name)
        return original(store, part)

    monkeypatch.setattr(cache_module, "read_part", spy)
    return seen


def test_second_load_does_not_read_the_zips_again(tiny_omniglot, tmp_path: Path, reads: list[str]) -> None:
    first = OmniglotSource(tiny_omniglot.folder, cache=tmp_path / "cache")
    reads.clear()
    second = OmniglotSource(tiny_omniglot.folder, cache=tmp_path / "cache")
    assert reads == []
    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.read_order, second.read_order)


def test_unpacked_folder_is_cached_too(tiny_omniglot, tmp_path: Path, reads: list[str]) -> None:
    folder = tiny_omniglot.unpack(tmp_path / "unpacked")
    first = OmniglotSource(folder, cache=tmp_path / "cache")
    reads.clear()
    np.testing.assert_array_equal(OmniglotSource(folder, cache=tmp_path / "cache").images, first.images)
    assert reads == []


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 rubbish", None])
def test_corrupt_cache_is_rebuilt_silently(tiny_omniglot, tmp_path: Path, reads: list[str], damage: bytes) -> None:
    expected = OmniglotSource(tiny_omniglot.folder, cache=tmp_path / "cache").images
    for path in (tmp_path / "cache").iterdir():
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1  # one bit of a pixel
        path.write_bytes(bytes(content) if damage is None else damage)
    reads.clear()
    np.testing.assert_array_equal(OmniglotSource(tiny_omniglot.folder, cache=tmp_path / "cache").images, expected)
    assert len(reads) == 2
    reads.clear()
    OmniglotSource(tiny_omniglot.folder, cache=tmp_path / "cache")
    assert reads == []


def test_no_flipped_bit_of_a_cache_stops_the_load(tiny_omniglot, tmp_path: Path) -> None:
    OmniglotSource(tiny_omniglot.folder, "train", cache=tmp_path / "cache")
    (path,) = (tmp_path / "cache").iterdir()
    content = path.read_bytes()
    header = content.index(b"{'descr'")  # NumPy reads it before the zip's checksum is known
    for place in range(header - 40, header + 80):
        damaged = bytearray(content)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        cache_module._read(path, BACKGROUND)


def test_user_without_a_home_has_no_cache(monkeypatch) -> None:
    def no_home(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("ICL_CACHE", raising=False)
    monkeypatch.setattr(Path, "expanduser", no_home)
    assert cache_module.cache_folder(None) is None


def test_folder_that_cannot_be_listed_is_named(tiny_omniglot, tmp_path: Path, monkeypatch) -> None:
    folder = tiny_omniglot.unpack(tmp_path / "unpacked")

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("icl_data._omniglot.stores.os.scandir", refuse)
    with pytest.raises(OmniglotError, match=r"cannot read '.*images_background': .*Permission denied"):
        OmniglotSource(folder, cache=tmp_path / "cache")


def test_cache_with_other_arrays_is_rebuilt(tiny_omniglot, tmp_path: Path, reads: list[str]) -> None:
    OmniglotSource(tiny_omniglot.folder, "train", cache=tmp_path / "cache")
    (path,) = (tmp_path / "cache").iterdir()
    packed = np.zeros((3, 4, 7), dtype=np.uint8)
    np.savez(path, keys=np.arange(3), ranks=np.zeros((3, 4)), packed=packed, checksum=zlib.crc32(packed.data))
    reads.clear()
    assert OmniglotSource(tiny_omniglot.folder, "train", cache=tmp_path / "cache").images.any()
    assert reads == ["images_background"]


def test_changed_zip_is_read_anew(tiny_omniglot, tmp_path: Path) -> None:
    OmniglotSource(tiny_omniglot.folder, "train", cache=tmp_path / "cache")
    path = tiny_omniglot.folder / "images_background.zip"
    times = (path.stat().st_atime, path.stat().st_mtime)
    entries = tiny_omniglot.entries["images_background"]
    entries[0], entries[1] = (entries[0][0], entries[1][1]), (entries[1][0], entries[0][1])
    tiny_omniglot.write("images_background")
    os.utime(path, times)  # same name, size and time: only the content differs
    swapped = OmniglotSource(tiny_omniglot.folder, "train", cache=tmp_path / "cache").images
    np.testing.assert_array_equal(swapped, OmniglotSource(tiny_omniglot.folder, "train", cache=False).images)


def test_unwritable_cache_does_not_stop_the_load(tiny_omniglot, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file where the cache's folder should be")
    assert OmniglotSource(tiny_omniglot.folder, cache=tmp_path / "file" / "cache").n_classes == 5


def test_full_disk_leaves_no_half_written_cache(tiny_omniglot, tmp_path: Path, monkeypatch) -> None:
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache_module.np, "savez", full)
    assert OmniglotSource(tiny_omniglot.folder, cache=tmp_path / "cache").n_classes == 5
    assert list((tmp_path / "cache").iterdir()) == []


def test_environment_variable_names_the_cache_folder(tiny_omniglot, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("ICL_CACHE", str(tmp_path / "named"))
    OmniglotSource(tiny_omniglot.folder)
    assert len(list((tmp_path / "named").glob("*.npz"))) == 2


def test_cache_false_writes_nothing(tiny_omniglot, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("ICL_CACHE", str(tmp_path / "named"))
    OmniglotSource(tiny_omniglot.folder, cache=False)
    assert not (tmp_path / "named").exists()
