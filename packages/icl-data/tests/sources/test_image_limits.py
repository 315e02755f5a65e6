"""An image folder holds single images of a size that memory has room for; whatever is wrong with a file names it."""

from __future__ import annotations

import io
import os
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from limited import limited

from icl_data import ImageFolderSource
from icl_data._commands.main import main
from icl_data._sources import image_folder as module

pillow: Any = pytest.importorskip("PIL.Image", reason='Pillow is not installed: pip install "icl-data[images]"')
MIB = 1 << 20
PIXELS = np.random.default_rng(0).integers(256, size=(12, 10, 3), dtype=np.uint8)


def _png(width: int, height: int, content: bytes = b"", *more: tuple[bytes, bytes]) -> bytes:
    """A grey PNG whose header says this size."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), *more]
    chunks += [(b"IDAT", zlib.compress(content)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def _saved(form: str, **options: Any) -> bytes:
    memory = io.BytesIO()
    pillow.fromarray(PIXELS).save(memory, form, **options)
    return memory.getvalue()


def _moving(form: str) -> bytes:
    return _saved(form, save_all=True, append_images=[pillow.fromarray(255 - PIXELS)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of one image."""
    for name in "ab":
        (tmp_path / "images" / name).mkdir(parents=True)
        (tmp_path / "images" / name / "0.png").write_bytes(_saved("PNG"))
    return tmp_path / "images"


FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "huge": (lambda: _png(60_000, 60_000), "it must have at most 89,478,485 pixels, got "),
    "large": (lambda: _png(12_000, 12_000), "it must have at most 89,478,485 pixels, got "),
    "cut": (lambda: _saved("PNG")[:200], "runcated"),
    "cut JPEG": (lambda: _saved("JPEG")[:-40], "runcated"),
    "moving GIF": (lambda: _moving("GIF"), "every image must be one, got several"),
    "moving PNG": (lambda: _moving("PNG"), "every image must be one, got several"),
    "two pages": (lambda: _moving("TIFF"), "every image must be one, got several"),
    "other program's": (lambda: _saved("EPS"), "it must be an image of the kind BMP, GIF, "),
    "text bomb": (
        lambda: _png(10, 12, b"", (b"zTXt", b"x\0\0" + zlib.compress(bytes(4 * MIB)))),
        "ecompressed data too large",
    ),
    "short header": (lambda: b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 5) + b"IHDR" + bytes(99), ""),
    "empty": (bytes, "it must be an image of the kind BMP, GIF, "),
}


@pytest.mark.parametrize("name", FILES)
def test_file_that_is_no_single_image_is_named_in_one_line(folder: Path, name: str) -> None:
    make, message = FILES[name]
    path = folder / "b" / "0.png"
    path.write_bytes(make())
    with pytest.raises(ValueError) as caught:  # and no warning, which pytest makes an error
        ImageFolderSource(folder)
    assert repr(str(path)) in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def _fill(folder: Path, content: bytes) -> Path:
    for path in folder.glob("*/*"):
        path.write_bytes(content)
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of processes there")
@pytest.mark.parametrize("side", [9000, 60_000])
def test_no_memory_is_taken_for_pixels_that_a_header_promises(folder: Path, tmp_path: Path, side: int) -> None:
    for name in "ab":
        for number in range(1, 40):
            (folder / name / f"{number}.png").touch()
    _fill(folder, _png(side, side))
    found = limited("ImageFolderSource(path)", folder, warm=_good(tmp_path))
    assert found.message.startswith(("cannot read the image", "80 images of 9000x9000"))
    assert found.n_bytes < 16 * MIB


def _good(tmp_path: Path) -> Path:
    (tmp_path / "good" / "a").mkdir(parents=True)
    (tmp_path / "good" / "a" / "0.png").write_bytes(_saved("PNG"))
    return tmp_path / "good"


def test_images_that_do_not_fit_into_memory_are_refused_together(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr("icl_data._array_files.claims.machine_memory", lambda: 700)
    monkeypatch.setattr("icl_data._array_files.claims._NO_HARM", 600)
    with pytest.raises(ValueError, match=r"^2 images of 10x12 in .* must fit into memory, got 720 bytes"):
        ImageFolderSource(folder)


def test_odd_image_that_can_be_read_is_read_without_a_warning(folder: Path) -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\x00" + bytes(range(40))
    (folder / "b" / "0.png").write_bytes(_saved("JPEG", exif=exif))
    assert ImageFolderSource(folder).n_classes == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders there")
def test_pipe_with_an_images_name_is_not_waited_for_or_left_out(folder: Path) -> None:
    path = folder / "b" / "1.png"
    os.mkfifo(path)
    (folder / "a" / "1.png").write_bytes(_saved("PNG"))
    found = limited("ImageFolderSource(path)", folder)
    assert found.message == f"cannot read the image {str(path)!r}: it must be a file, got a pipe"


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_link_to_nowhere_is_named_and_not_left_out(folder: Path) -> None:
    for name in "ab":
        (folder / name / "1.png").symlink_to("nowhere.png")
    with pytest.raises(ValueError, match=r"cannot read the image '.*1\.png': No such file or directory"):
        ImageFolderSource(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_folder_that_links_to_itself_is_a_class_without_images(folder: Path) -> None:
    (folder / "round").symlink_to(".")
    with pytest.raises(ValueError, match=r"every class must have images .* got none in '.*round'$"):
        ImageFolderSource(folder)


@pytest.mark.parametrize("most", [1, 3])
def test_more_files_than_memory_has_names_for_are_refused(folder: Path, monkeypatch, most: int) -> None:
    monkeypatch.setattr(module, "_MOST_FILES", most)
    for number in range(1, 4):
        (folder / "b" / f"{number}.png").touch()
    with pytest.raises(ValueError, match=rf"folder must hold at most {most} images, got more in '.*images'$"):
        ImageFolderSource(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_no_text_are_shown_escaped(folder: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(folder.parent)
    os.rename(folder / "b", os.fsencode(folder) + b"/\xff\xe9")
    assert ImageFolderSource(folder).n_classes == 2
    (folder / "\udcff\udce9" / "0.png").write_bytes(b"")
    assert main(["show", "--source", "images"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert r"\udcff\udce9" in line
