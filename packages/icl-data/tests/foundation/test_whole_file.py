"""A file is whole or not there, and what goes wrong is said about the file that was asked for."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from icl_data.foundation import whole_file as module
from icl_data.foundation.whole_file import sync, try_file, whole_file, write_text


def test_what_is_written_appears_at_the_end_and_nothing_stays_beside(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a.csv") as beside:
        beside.write_text("1")
        assert beside.suffix == ".csv"
        assert not (tmp_path / "a.csv").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_what_was_there_is_there(tmp_path: Path, error: type[BaseException]) -> None:
    write_text(tmp_path / "a", "old")

    def fail() -> None:
        with whole_file(tmp_path / "a") as beside:
            beside.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a") as first, whole_file(tmp_path / "a") as second:
        first.write_text("first")
        second.write_text("second")
    assert (tmp_path / "a").read_text() == "first"


def test_the_file_has_the_rights_that_the_umask_leaves(tmp_path: Path) -> None:
    previous = os.umask(0o027)
    try:
        write_text(tmp_path / "a", "x")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_a_full_disk_is_told_about_the_file_asked_for(tmp_path: Path) -> None:
    def fill() -> None:
        with whole_file(tmp_path / "a") as beside:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(beside))

    with pytest.raises(OSError, match="No space left") as caught:
        fill()
    assert caught.value.filename == str(tmp_path / "a")


def test_what_cannot_be_a_file_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "there").write_text("x")
    cases = [
        ("folder", True, IsADirectoryError),
        ("there", False, FileExistsError),
        ("nowhere/a", True, FileNotFoundError),
    ]
    for name, overwrite, expected in cases:
        with pytest.raises(expected), whole_file(tmp_path / name, overwrite=overwrite):
            raise AssertionError("nothing is to be written")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "there"]


@pytest.mark.parametrize("answer", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_that_cannot_sync_is_no_reason_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: int
) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(answer, os.strerror(answer))

    monkeypatch.setattr(module.os, "fsync", fsync)
    write_text(tmp_path / "a", "x")
    assert (tmp_path / "a").read_text() == "x"


def test_a_disk_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(module.os, "fsync", fsync)
    with pytest.raises(OSError, match="Input/output error"):
        sync(tmp_path)


def test_a_file_is_tried_and_nothing_is_left(tmp_path: Path) -> None:
    try_file(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
    for name, expected in ((".", IsADirectoryError), ("nowhere/a", FileNotFoundError)):
        with pytest.raises(expected):
            try_file(tmp_path / name)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder where nobody may make files")
def test_a_place_where_no_file_can_be_made_is_found_by_trying() -> None:
    with pytest.raises(OSError, match=r"a\.csv") as caught:
        try_file(Path("/proc/a.csv"))
    assert caught.value.filename == "/proc/a.csv"
