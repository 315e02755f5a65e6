"""No more is read, inflated or waited for than Omniglot can honestly be."""

from __future__ import annotations

import io
import os
import struct
import sys
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from limited import limited

from icl_data import OmniglotError, OmniglotSource
from icl_data._array_files.zip_list import open_zip
from icl_data._omniglot.files import BACKGROUND, find_store, read_part
from icl_data._omniglot.png import read_one_bit_pngs

READ = "OmniglotSource(path, 'train', cache=False)"
MIB = 1 << 20
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no limits of processes and pipes in folders there")


def _png(inflated: int) -> bytes:
    """A PNG of Omniglot's size whose pixels inflate to so many bytes."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header, pixels = struct.pack(">IIBBBBB", 105, 105, 1, 0, 0, 0, 0), zlib.compress(bytes(inflated), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _with_first(tiny_omniglot, content: bytes) -> Path:
    entries = tiny_omniglot.entries["images_background"]
    entries[0] = (entries[0][0], content)
    return tiny_omniglot.write("images_background")


def test_pixels_are_not_inflated_beyond_their_number(tiny_omniglot) -> None:
    _with_first(tiny_omniglot, _png(60 * MIB))
    found = limited(READ, tiny_omniglot.folder)
    assert "PNG data of more than 1575 bytes" in found.message
    assert found.n_bytes < 16 * MIB


def test_entry_larger_than_an_image_is_not_inflated(tiny_omniglot) -> None:
    _with_first(tiny_omniglot, _png(1575) + bytes(100 * MIB))
    found = limited(READ, tiny_omniglot.folder)
    assert "0001_01.png must have at most 65,536 bytes, got 104,8" in found.message
    assert found.n_bytes < 16 * MIB


def test_entry_that_inflates_to_more_than_the_zip_tells_is_cut_off(tiny_omniglot) -> None:
    path = _with_first(tiny_omniglot, _png(1575) + bytes(50 * MIB))
    content = bytearray(path.read_bytes())
    place = content.index(b"0001_01.png", content.index(b"PK\1\2")) - len("images_background/Runic/character01/") - 46
    content[place + 24 : place + 28] = struct.pack("<I", 400)  # its size, in the list of entries
    path.write_bytes(content)
    found = limited(READ, tiny_omniglot.folder)
    assert "0001_01.png must have the 400 bytes that the zip tells" in found.message
    assert found.n_bytes < 16 * MIB


def test_zip_far_larger_than_the_official_one_is_not_read(tiny_omniglot) -> None:
    path = tiny_omniglot.folder / "images_background.zip"
    with path.open("ab") as file:
        file.truncate(1 << 40)
    found = limited(READ, tiny_omniglot.folder)
    assert f"{str(path)!r} must have at most 78,970,880 bytes, got 1,099,511,627,776" in found.message
    assert found.n_bytes < 16 * MIB


def test_list_of_entries_is_not_read_beyond_its_limit() -> None:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for number in range(100):
            archive.writestr(f"{number}", b"")
    open_zip(memory, most_bytes=5000)
    with pytest.raises(ValueError, match=r"list of entries must have at most 4,000 bytes, got 4,790$"):
        open_zip(memory, most_bytes=4000)


def _message(folder: Path, n_images: int = BACKGROUND.n_images) -> str:
    part = replace(BACKGROUND, n_images=n_images)
    with pytest.raises(OmniglotError) as caught:
        read_part(find_store(folder, part), part)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("unpacked", [False, True])
def test_more_images_than_there_can_be_are_refused(tiny_omniglot, tmp_path: Path, unpacked: bool) -> None:
    names = [name for name, _ in tiny_omniglot.entries["images_background"]]
    tiny_omniglot.entries["images_background"] = [(name, _png(1575)) for name in names]
    tiny_omniglot.write("images_background")
    folder = tiny_omniglot.unpack(tmp_path / "unpacked") if unpacked else tiny_omniglot.folder
    read_part(find_store(folder, replace(BACKGROUND, n_images=6)), BACKGROUND)
    assert "must have at most 10 images" in _message(folder, 5)


@pytest.mark.parametrize("unpacked", [False, True])
def test_images_that_are_too_large_together_are_refused(tiny_omniglot, tmp_path: Path, unpacked: bool) -> None:
    name, content = tiny_omniglot.entries["images_background"][0]
    tiny_omniglot.entries["images_background"][0] = name, content + bytes(60_000)
    tiny_omniglot.write("images_background")
    folder = tiny_omniglot.unpack(tmp_path / "unpacked") if unpacked else tiny_omniglot.folder
    assert "its images must have at most 49,152 bytes in all" in _message(folder, 12)


@pytest.mark.parametrize("unpacked", [False, True])
def test_more_entries_than_there_can_be_are_refused(tiny_omniglot, tmp_path: Path, unpacked: bool) -> None:
    folder = tiny_omniglot.unpack(tmp_path / "unpacked") if unpacked else tiny_omniglot.folder
    for number in range(90):
        tiny_omniglot.entries["images_background"].append((f"images_background/{number}", b""))
        if unpacked:
            (folder / "images_background" / f"{number}").touch()
    tiny_omniglot.write("images_background")
    assert "must have at most 96 folders and files" in _message(folder, 12)


def test_links_that_go_round_are_named(tiny_omniglot, tmp_path: Path) -> None:
    folder = tiny_omniglot.unpack(tmp_path / "unpacked")
    (folder / "images_background" / "round").symlink_to("..")
    assert "every folder must be there once, got" in _message(folder)


@pytest.mark.parametrize("cache", ["None", "False"])
def test_pipe_among_unpacked_images_is_not_waited_for(tiny_omniglot, tmp_path: Path, cache: str) -> None:
    folder = tiny_omniglot.unpack(tmp_path / "unpacked")
    path = folder / "images_background" / "Runic" / "character01" / "0001_01.png"
    path.unlink()
    os.mkfifo(path)
    found = limited(f"OmniglotSource(path, 'train', cache={cache})", folder)
    assert f"{str(path)!r} must be a file, got a pipe" in found.message


def test_pipe_in_the_place_of_a_zip_is_not_waited_for(tiny_omniglot) -> None:
    path = tiny_omniglot.folder / "images_background.zip"
    path.unlink()
    os.mkfifo(path)
    assert f"{str(path)!r} must be a file, got a pipe" in limited(READ, tiny_omniglot.folder).message


def test_pipe_in_the_place_of_the_cache_is_not_waited_for(tiny_omniglot, tmp_path: Path) -> None:
    OmniglotSource(tiny_omniglot.folder, "train", cache=tmp_path / "cache")
    (path,) = (tmp_path / "cache").iterdir()
    path.unlink()
    os.mkfifo(path)
    call = f"OmniglotSource(path, 'train', cache={str(tmp_path / 'cache')!r})"
    assert limited(call, tiny_omniglot.folder).message == "read"


def test_cut_pixels_are_told_from_missing_ones() -> None:
    whole = _png(1575)
    for content, message in ((_png(1574), "of 1574 bytes instead of 1575"), (whole[:50], "incomplete or truncated")):
        with pytest.raises(ValueError, match=message):
            read_one_bit_pngs([content], 105)
