"""What is no file is refused before it is waited for, and no more of a file is read than it may have."""

from __future__ import annotations

import errno
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from icl_data.foundation.paths import describe
from icl_data.foundation.regular_file import NotAFile, open_file, read_file, require_file

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders there")

READERS: list[Callable[[Path], object]] = [require_file, open_file, read_file]


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as it:
        it.bind(os.path.relpath(path))  # names of sockets are short


OTHERS: dict[str, Callable[[Path], object]] = {
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a socket": _socket,
    "a device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("what", OTHERS)
@pytest.mark.parametrize("read", READERS)
def test_what_is_no_file_is_refused(tmp_path: Path, monkeypatch, read: Callable[[Path], object], what: str) -> None:
    monkeypatch.chdir(tmp_path)
    OTHERS[what](tmp_path / "x")
    with pytest.raises(NotAFile) as caught:
        read(tmp_path / "x")
    assert describe(caught.value) == f"{str(tmp_path / 'x')!r} must be a file, got {what}"


@pytest.mark.parametrize("read", READERS)
def test_missing_file_is_what_the_system_says(tmp_path: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        read(tmp_path / "x")
    assert caught.value.filename == str(tmp_path / "x")


def test_pipe_put_there_after_the_look_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x")
    code = (
        "import sys; from icl_data.foundation import regular_file as module\n"
        "module.require_file = lambda path: None\n"
        "try: module.open_file(sys.argv[1])\n"
        "except module.NotAFile as error: print(error.strerror)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "x")]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout == "must be a file, got a pipe\n"


def test_link_to_a_file_is_one(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"content")
    (tmp_path / "y").symlink_to("x")
    assert read_file(tmp_path / "y", most_bytes=7) == b"content"
    with open_file(tmp_path / "y") as file:
        assert file.read() == b"content"


def test_larger_file_than_there_may_be_is_refused_with_its_size(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        file.truncate(1 << 40)  # it has a hole
    with pytest.raises(ValueError, match=r"x' must have at most 1,000 bytes, got 1,099,511,627,776$"):
        read_file(tmp_path / "x", most_bytes=1000)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="no /proc")
def test_file_that_says_it_is_empty_is_not_read_further_than_may_be() -> None:
    with pytest.raises(ValueError, match=r"must have at most 10 bytes, got 11$"):
        read_file("/proc/self/maps", most_bytes=10)


def test_refusal_goes_to_another_process_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(NotAFile) as caught:
        require_file(tmp_path)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("size", [0, 1, 99_999])
@pytest.mark.parametrize("piece", [1 << 30, 30_000])
def test_whole_file_is_read_in_however_many_pieces(tmp_path: Path, monkeypatch, size: int, piece: int) -> None:
    monkeypatch.setattr("icl_data.foundation.regular_file._PIECE", piece)
    (tmp_path / "x").write_bytes(bytes(range(256)) * (size // 256) + bytes(size % 256))
    assert read_file(tmp_path / "x") == (tmp_path / "x").read_bytes()
    assert read_file(tmp_path / "x", most_bytes=size) == (tmp_path / "x").read_bytes()


def test_disk_that_fails_in_reading_is_named(tmp_path: Path, monkeypatch) -> None:
    def fail(descriptor: int, size: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    (tmp_path / "x").write_bytes(b"content")
    monkeypatch.setattr(os, "read", fail)
    with pytest.raises(OSError) as caught:
        read_file(tmp_path / "x")
    assert caught.value.filename == str(tmp_path / "x")
