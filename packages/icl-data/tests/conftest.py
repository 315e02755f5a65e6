"""What several tests need: the real Omniglot if there is one, and a tiny imitation of it."""

from __future__ import annotations

import os
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

# Modules that several tests share lie here, where pytest's importlib mode does not look by itself.
sys.path.append(str(Path(__file__).parent))

SIZE = 105


@pytest.fixture(autouse=True)
def _no_user_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests must neither use nor fill the user's own cache."""
    monkeypatch.setenv("ICL_CACHE", str(tmp_path_factory.getbasetemp() / "icl-cache"))


@pytest.fixture(scope="session")
def omniglot() -> Path:
    """Folder of the real Omniglot zips."""
    folder = os.environ.get("ICL_OMNIGLOT")
    if not folder:
        pytest.skip("set ICL_OMNIGLOT to a folder with images_background.zip and images_evaluation.zip")
    return Path(folder)


def one_bit_png(pixels: np.ndarray, filters: np.ndarray) -> bytes:
    """A one-bit grey PNG of (105, 105) pixels, 1 white, each line with its own of the five line filters."""
    lines = np.packbits(pixels.astype(np.uint8), axis=1).astype(np.int64)
    above = np.vstack([np.zeros((1, lines.shape[1]), dtype=np.int64), lines[:-1]])
    left = np.hstack([np.zeros((SIZE, 1), dtype=np.int64), lines[:, :-1]])
    corner = np.hstack([np.zeros((SIZE, 1), dtype=np.int64), above[:, :-1]])
    estimate = left + above - corner
    distances = np.stack([abs(estimate - left), abs(estimate - above), abs(estimate - corner)])
    paeth = np.take_along_axis(np.stack([left, above, corner]), distances.argmin(axis=0)[None], axis=0)[0]
    predictors = np.stack([np.zeros_like(lines), left, above, (left + above) // 2, paeth])
    filtered = (lines - predictors[filters, np.arange(SIZE)]) % 256
    raw = np.hstack([filters[:, None], filtered]).astype(np.uint8).tobytes()

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", SIZE, SIZE, 1, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


class TinyOmniglot:
    """An imitation with 3 background and 2 evaluation characters, 4 drawings each.

    Attributes:
        folder: where the two zips are.
        pixels: (character number from 1, drawing number from 1) -> (105, 105) of 0 and 1.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pixels: dict[tuple[int, int], np.ndarray] = {}
        rng = np.random.default_rng(0)
        self.entries: dict[str, list[tuple[str, bytes]]] = {"images_background": [], "images_evaluation": []}
        for number in range(1, 6):
            part = "images_background" if number <= 3 else "images_evaluation"
            for drawing in range(1, 5):
                pixels = rng.integers(2, size=(SIZE, SIZE))
                self.pixels[number, drawing] = pixels
                name = f"{part}/Runic/character{number:02d}/{number:04d}_{drawing:02d}.png"
                self.entries[part].append((name, one_bit_png(pixels, rng.integers(5, size=SIZE))))
        for part in self.entries:
            self.write(part)

    def write(self, part: str, compression: int = zipfile.ZIP_DEFLATED) -> Path:
        """(Re)write a zip from `entries`."""
        path = self.folder / f"{part}.zip"
        with zipfile.ZipFile(path, "w", compression) as archive:
            archive.mkdir(f"{part}/Runic")
            for name, content in self.entries[part]:
                archive.writestr(name, content)
        return path

    def unpack(self, folder: Path) -> Path:
        """Write the files themselves."""
        for entries in self.entries.values():
            for name, content in entries:
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        return folder


@pytest.fixture
def tiny_omniglot(tmp_path: Path) -> TinyOmniglot:
    """A small Omniglot in a folder of its own."""
    folder = tmp_path / "omniglot"
    folder.mkdir()
    return TinyOmniglot(folder)


@pytest.fixture
def first_records() -> Callable[[Iterator[dict[str, np.ndarray]], int], dict[str, np.ndarray]]:
    """Stack the first n records of an iterator, field by field."""

    def stack(records: Iterator[dict[str, np.ndarray]], n: int) -> dict[str, np.ndarray]:
        found = [next(records) for _ in range(n)]
        return {name: np.stack([record[name] for record in found]) for name in found[0]}

    return stack
