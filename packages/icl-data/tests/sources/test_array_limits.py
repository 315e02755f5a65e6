"""Small array files take little memory, whatever they claim, and whatever is wrong with one is one line."""

from __future__ import annotations

import io
import os
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from limited import limited

from icl_data import ArraySource
from icl_data._array_files import claims
from icl_data._array_files.claims import check_expansion
from icl_data._array_files.npz import open_npz, read_npz
from icl_data._sources import array as array_module

MIB = 1 << 20
NPZ, H5 = "ArraySource.from_npz(path)", "ArraySource.from_h5(path)"
VECTORS = np.random.default_rng(0).normal(size=(6, 3, 4))
limits_processes = pytest.mark.skipif(sys.platform == "win32", reason="no limits of processes there")


def _npy(header: str, n_bytes: int = 64, version: int = 1) -> bytes:
    text = header.encode("latin1") + b"\n"
    return (b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text) + bytes(
        n_bytes
    )


def _claiming(shape: str, descr: str = "'<f8'") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"


def _npz(content: bytes, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", compression) as archive:
        archive.writestr("a.npy", content)
    return memory.getvalue()


def _message(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(ValueError) as caught:  # and no warning, which pytest makes an error
        ArraySource.from_npz(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("shape", ["(1, 1, 1099511627776)", "(4294967296, 4294967296)", "(1, 18446744073709551617, 1)"])
@pytest.mark.parametrize("make", [bytes, _npz, lambda npy: _npz(npy, zipfile.ZIP_STORED)], ids=["npy", "npz", "stored"])
def test_array_of_which_little_is_there_is_refused(tmp_path: Path, make: Callable[[bytes], bytes], shape: str) -> None:
    message = _message(tmp_path / "x.npz", make(_npy(_claiming(shape))))
    assert f"its array of shape {shape} needs " in message
    assert "of which the file holds at most 64" in message


HEADERS = {
    "brackets": _claiming("(" * 5000 + ")" * 5000),
    "signs": _claiming("(" + "-" * 9000 + "1, 2, 3)"),
    "no end": "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3, 4",
    "other text": "<html>\x00</html>",
    "call": _claiming("(open('/etc/passwd'), 2)"),
    "long number": _claiming(f"({'9' * 9000}, 2)"),
    "long header": _claiming("(2, 3)") + " " * 20_000,
    "Python 2": _claiming("(9L, 3L, 4L)"),
    "truths": _claiming("(True, 3, True)"),
    "escape": _claiming("(2, 3, '\\d')"),
    "negative": _claiming("(-2, -3, 4)"),
    "nothing": _claiming("(2, 3, 4)", "'|V0'"),
    "huge numbers": _claiming("(2, 3, 4)", "'|V2147483647'"),
    "objects": _claiming("(2, 3)", "'|O'"),
    "fields": _claiming("(2, 3)", "[('a', [('b', '|O')])]"),
    "repeated fields": _claiming("(1, 2)", "[('a', '<f4'), ('a', '<f4')]"),
}


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("packed", [False, True])
def test_odd_header_is_one_line_without_a_warning(tmp_path: Path, name: str, version: int, packed: bool) -> None:
    content = _npy(HEADERS[name], version=version)
    message = _message(tmp_path / "x.npz", _npz(content) if packed else content)
    assert not any(word in message for word in ("allow_pickle", "max_header_size", "integer is required", "Error"))


def test_header_that_is_too_long_is_refused_with_its_length(tmp_path: Path) -> None:
    content = _npy(HEADERS["long header"], version=2)
    assert "its header must have at most 10,000 bytes, got 20," in _message(tmp_path / "x.npy", content)


def test_shape_of_truths_is_named(tmp_path: Path) -> None:
    message = _message(tmp_path / "x.npy", _npy(HEADERS["truths"]))
    assert "its array's shape must be whole numbers, got (True, 3, True)" in message


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["a.npy", "a"])
@pytest.mark.parametrize("key", [None, "a"])
def test_two_arrays_of_one_name_are_refused(tmp_path: Path, second: str, key: str | None) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("a.npy", _npy(_claiming("(1, 2, 4)")))
        archive.writestr(second, _npy(_claiming("(1, 2, 4)")))
    with pytest.raises(ValueError, match="its arrays must have a name each, got 'a' twice"):
        open_npz(tmp_path / "x.npz", key)


@limits_processes
def test_array_of_nothing_but_zeros_is_no_way_to_fill_memory(tmp_path: Path) -> None:
    shape = (2, 300, 1 << 20)
    with (
        zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.npy", "w") as file,
    ):
        file.write(_npy(_claiming(str(shape), "'|u1'"), 0))
        for _ in range(600):
            file.write(bytes(MIB))
    found = limited(NPZ, tmp_path / "x.npz")
    assert "must take at most 256 bytes of memory for each that is stored, got 629,145,600 bytes" in found.message
    assert found.n_bytes < 16 * MIB


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_that_numpy_does_not_write_is_refused(tmp_path: Path, compression: int) -> None:
    content = _npz(_npy(_claiming("(1, 2, 4)", "'<f8'")), compression)
    assert f"must be stored or deflated, got compression {compression}" in _message(tmp_path / "x.npz", content)


def test_compressed_array_has_its_checksum_compared(tmp_path: Path) -> None:
    content = bytearray(_npz(_npy(_claiming("(1, 2, 4)"))))
    place = content.index(b"PK\1\2") + 16  # the checksum, in the list of entries
    content[place] ^= 1
    assert "Bad CRC-32" in _message(tmp_path / "x.npz", bytes(content))


def test_bytes_behind_a_compressed_array_are_refused(tmp_path: Path) -> None:
    content = _npz(_npy(_claiming("(1, 2, 3)")))
    assert "must be all there is, got bytes behind it" in _message(tmp_path / "x.npz", content)


def test_stored_array_read_into_memory_has_its_checksum_compared(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=VECTORS)
    (found,) = read_npz(tmp_path / "x.npz", "a")
    np.testing.assert_array_equal(found, VECTORS)
    content = (tmp_path / "x.npz").read_bytes()
    (tmp_path / "x.npz").write_bytes(content.replace(VECTORS[2].tobytes(), bytes(VECTORS[2].nbytes)))
    assert isinstance(open_npz(tmp_path / "x.npz", "a"), np.memmap)
    with pytest.raises(ValueError, match="Bad CRC-32"):
        read_npz(tmp_path / "x.npz", "a")


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders there")
@pytest.mark.parametrize(("call", "name"), [(NPZ, "x.npz"), (NPZ, "x.npy"), (H5, "x.h5")])
def test_pipe_is_not_waited_for(tmp_path: Path, call: str, name: str) -> None:
    pytest.importorskip("h5py", reason='h5py is not installed: pip install "icl-data[h5]"')
    os.mkfifo(tmp_path / name)
    assert limited(call, tmp_path / name).message.endswith("it must be a file, got a pipe")


@pytest.mark.parametrize("most", [1e39, -1e39])
def test_number_that_examples_cannot_hold_is_refused(most: float) -> None:
    values = VECTORS.copy()
    values[3, 1, 2] = most
    with pytest.raises(ValueError, match="vectors must be finite numbers of 32 bits, got float64 from "):
        ArraySource(values)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float16, np.bool_, np.longdouble])
def test_numbers_of_every_sort_are_looked_at_without_a_warning(dtype: type) -> None:
    values = np.zeros((2, 2, 3), dtype)
    values[1, 1, 1] = np.iinfo(dtype).min if np.issubdtype(dtype, np.integer) else 1
    assert ArraySource(values).kind == "vector"


def test_values_are_looked_through_in_small_pieces_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for n_bytes in (1, 100, 200, 10_000):
        monkeypatch.setattr(array_module, "_BYTES_AT_A_TIME", n_bytes)
        blocks = list(array_module._blocks(VECTORS))
        assert max(block.nbytes for block in blocks) <= max(n_bytes, VECTORS[0, 0].nbytes)
        np.testing.assert_array_equal(np.concatenate([block.reshape(-1) for block in blocks]), VECTORS.reshape(-1))


def test_what_does_not_fit_into_memory_is_refused_however_much_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "machine_memory", lambda: 1 << 30)
    check_expansion("it", 1 << 30, 1 << 30)
    with pytest.raises(ValueError, match=r"^it must fit into memory, got 2,147,483,648 bytes \(2\.0 GiB\), and there"):
        check_expansion("it", 1 << 31, 1 << 31)


def test_little_memory_is_granted_whatever_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "machine_memory", lambda: None)
    check_expansion("it", 1 << 28, 0)
    check_expansion("it", 1 << 36, 1 << 28)
    with pytest.raises(ValueError, match=r"^it must take at most 256 bytes of memory for each that is stored"):
        check_expansion("it", (1 << 36) + 1, 1 << 28)
