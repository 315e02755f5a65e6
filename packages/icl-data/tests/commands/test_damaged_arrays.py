"""A file named as a source that is not what its name promises: one line that names it, and nothing written."""

from __future__ import annotations

import io
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from icl_data import ArraySource, load_source
from icl_data._commands.main import main

VECTORS = np.random.default_rng(0).normal(size=(50, 3, 40))
SHAPE = "array must have shape (n_classes, n_exemplars, *example_shape), no axis empty, got "


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _npy(array: np.ndarray) -> bytes:
    memory = io.BytesIO()
    np.save(memory, array)
    return memory.getvalue()


def _npz(name: str, content: bytes, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", compression) as archive:
        archive.writestr(name, content)
    return memory.getvalue()


def _h5(array: np.ndarray, **options: object) -> bytes:
    h5py = pytest.importorskip("h5py", reason='h5py is not installed: pip install "icl-data[h5]"')
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        file.create_dataset("a", data=array, **options)
    return memory.getvalue()


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _promising(shape: str) -> bytes:
    """A .npy file whose header has another shape than its array."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(64)


FILES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty .npy": ("x.npy", bytes, "cannot read an array from 'x.npy': it is neither a .npz nor a .npy file"),
    "empty .npz": ("x.npz", bytes, "it is neither a .npz nor a .npy file"),
    "empty .h5": ("x.h5", bytes, "cannot read an array from 'x.h5': "),
    "web page": ("x.npz", lambda: b"<html>" * 99, "it is neither a .npz nor a .npy file"),
    "cut .npy": ("x.npy", lambda: _half(_npy(VECTORS)), "cannot read an array from 'x.npy': "),
    "cut header": ("x.npy", lambda: _npy(VECTORS)[:60], "cannot read an array from 'x.npy': "),
    "cut .npz": ("x.npz", lambda: _half(_npz("a.npy", _npy(VECTORS))), "File is not a zip file"),
    "cut .h5": ("x.h5", lambda: _half(_h5(VECTORS)), "cannot read an array from 'x.h5': "),
    "no array": ("x.npz", lambda: _npz("a.npy", b"text" * 99), "cannot read an array from 'x.npz': "),
    "stored text": ("x.npz", lambda: _npz("a.txt", b"text" * 99, zipfile.ZIP_STORED), "cannot read an array from "),
    "empty zip": ("x.npz", lambda: b"PK\5\6" + bytes(18), "it must hold an array, got none"),
    "promise": ("x.npy", lambda: _promising("(9, 9, 9**9)"), "cannot read an array from 'x.npy': "),
    "number": ("x.npy", lambda: _npy(np.array(3.0)), f"'x.npy': {SHAPE}()"),
    "one axis": ("x.npz", lambda: _npz("a.npy", _npy(np.zeros(3))), f"'x.npz': {SHAPE}(3,)"),
    "one axis .h5": ("x.h5", lambda: _h5(np.zeros(3)), f"'x.h5': {SHAPE}(3,)"),
    "no class": ("x.npy", lambda: _npy(np.zeros((0, 3, 4))), f"{SHAPE}(0, 3, 4)"),
    "no class .h5": ("x.h5", lambda: _h5(np.zeros((0, 3, 4))), f"{SHAPE}(0, 3, 4)"),
    "six axes": ("x.npy", lambda: _npy(np.zeros((2,) * 6)), "'x.npy': images must have shape (H, W) or (H, W, C)"),
    "objects": ("x.npy", lambda: _npy(np.array([[{}, 1]])), "its array holds Python objects, which are never loaded"),
    "objects .npz": ("x.npz", lambda: _npz("a.npy", _npy(np.array([[{}, 1]]))), "Python objects"),
    "text": ("x.npy", lambda: _npy(np.full((3, 2, 4), "a")), "'x.npy': vectors must be real numbers, got <U1"),
    "text as ids": ("x.npy", lambda: _npy(np.full((3, 2), "a")), "ids must be non-negative integers of 32 bits, got"),
    "text .h5": ("x.h5", lambda: _h5(np.full((3, 2, 4), b"a")), "'x.h5': vectors must be real numbers, got |S1"),
    "complex": ("x.npy", lambda: _npy(np.full((3, 2, 4), 1j)), "vectors must be real numbers, got complex128"),
    "records": ("x.npy", lambda: _npy(np.zeros((3, 2), dtype="i4,f8")), "'x.npy': ids must be"),
    "NaN": ("x.npy", lambda: _npy(np.full((3, 2, 4), np.nan)), "'x.npy': vectors must be finite numbers"),
    "NaN .h5": ("x.h5", lambda: _h5(np.full((3, 2, 4), np.nan)), "'x.h5': vectors must be finite numbers"),
    "wide bytes": (
        "x.npy",
        lambda: _npy(np.full((3, 2, 8, 8), 255)),
        "'x.npy': images must be bytes (uint8) or numbers in [0, 1], got [255, 255] of int64",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_file_that_is_not_what_it_claims_is_one_line(name: str, capsys) -> None:
    path, make, message = FILES[name]
    if path.endswith(".h5"):
        pytest.importorskip("h5py", reason='h5py is not installed: pip install "icl-data[h5]"')
    Path(path).write_bytes(make())
    assert main(["show", "--source", path]) == 2
    found = capsys.readouterr()
    (line,) = found.err.splitlines()
    assert found.out == ""
    assert line.startswith("icl-data show: error: ")
    assert path in line
    assert message in line


def test_memory_is_not_taken_for_what_a_compressed_array_promises(tmp_path: Path) -> None:
    shape = (10**6, 10**6, 10**6)
    Path("x.npz").write_bytes(_npz("a.npy", _promising(repr(shape))))
    with pytest.raises(ValueError, match=r"'x\.npz': its array of shape .* needs 8,0{3},.* bytes, of which the file"):
        ArraySource.from_npz("x.npz")


def test_size_that_a_zip_promises_itself_is_held_against_its_own(tmp_path: Path) -> None:
    content = bytearray(_npz("a.npy", _promising("(1000, 1000, 1000)")))
    place = content.index(b"PK\1\2") + 24  # the size before compression, in the list of all entries
    content[place : place + 4] = (2**32 - 2).to_bytes(4, "little")
    Path("x.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"its array of shape \(1000, 1000, 1000\) needs 8,000,000,000 bytes"):
        ArraySource.from_npz("x.npz")


def test_array_that_does_not_fit_into_memory_is_named(monkeypatch) -> None:
    def too_large(*args: object, **options: object) -> None:
        raise MemoryError

    np.savez_compressed("x.npz", VECTORS)
    monkeypatch.setattr("icl_data._array_files.npz.np.lib.format.read_array", too_large)
    with pytest.raises(ValueError, match=r"^cannot read an array from 'x\.npz': it does not fit into memory$"):
        ArraySource.from_npz("x.npz")


@pytest.mark.parametrize("place", [0, -1], ids=["first class", "last class"])
def test_damaged_piece_of_an_hdf5_file_is_named(place: int, capsys) -> None:
    images = np.random.default_rng(0).integers(256, size=(20, 3, 8, 8), dtype=np.uint8)
    content = _h5(images, chunks=(1, 3, 8, 8), fletcher32=True)
    where = content.index(images[place].tobytes())
    Path("x.h5").write_bytes(content[:where] + bytes(9) + content[where + 9 :])
    source = ArraySource.from_h5("x.h5")  # bytes of images are not looked at yet
    with pytest.raises(ValueError, match=r"cannot read an array from '.*x\.h5': .*read") as caught:
        source.gather(np.arange(20), np.zeros(20, dtype=int))
    assert "\n" not in str(caught.value)


def test_file_that_went_away_is_named(tmp_path: Path) -> None:
    Path("x.h5").write_bytes(_h5(VECTORS))
    source = ArraySource.from_h5("x.h5")
    Path("x.h5").unlink()
    with pytest.raises(ValueError, match=r"cannot read an array from '.*x\.h5': No such file or directory"):
        source.gather(0, 0)


def test_many_arrays_are_not_all_listed(capsys) -> None:
    np.savez("x.npz", **{f"array{number}": np.zeros(3) for number in range(100)})
    assert main(["show", "--source", "x.npz"]) == 2
    assert "array19 and 80 more, got none" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["x.npz", "x.npy", "x.h5"])
def test_folder_with_the_name_of_a_file_is_named(name: str, capsys) -> None:
    pytest.importorskip("h5py", reason='h5py is not installed: pip install "icl-data[h5]"')
    Path(name).mkdir()
    assert main(["show", "--source", name]) == 2
    assert f"cannot read an array from '{name}': it must be a file, got a folder" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders there")
@pytest.mark.parametrize("name", ["x.npz", "x.npy", "x.h5"])
def test_pipe_is_refused_and_not_waited_for(name: str) -> None:
    pytest.importorskip("h5py", reason='h5py is not installed: pip install "icl-data[h5]"')
    os.mkfifo(name)
    with pytest.raises(ValueError, match=f"cannot read an array from '{name}': it must be a file, got a pipe"):
        load_source(name)
