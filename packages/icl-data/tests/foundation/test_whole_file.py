"""A file is whole or not there, and what goes wrong is said about the file that was asked for."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
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


class Library(Exception):
    """What a library raises."""


@pytest.mark.parametrize("told", ["I/O error: No space left on device (os error 28)", "stream has no position"])
def test_a_library_that_stumbles_over_a_full_disk_is_told_as_the_full_disk(tmp_path: Path, told: str) -> None:
    def fill() -> None:
        with whole_file(tmp_path / "a"):
            try:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                raise Library(told)  # noqa: B904

    with pytest.raises(OSError, match="No space left") as caught:
        fill()
    assert caught.value.filename == str(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_rust_is_told_as_the_system_error_whose_number_it_names(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Disk quota exceeded"), whole_file(tmp_path / "a"):
        raise Library("Error while serializing: I/O error: Disk quota exceeded (os error 122)")


def test_a_mistake_beside_a_system_error_that_is_no_disk_s_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(Library), whole_file(tmp_path / "a"):
        raise Library("other") from FileNotFoundError(errno.ENOENT, "")


def test_a_file_within_a_file_being_written_becomes_whole_with_it(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a") as outer:
        write_text(outer, "x")
        assert [path.name for path in tmp_path.iterdir()] == [outer.name]
    assert (tmp_path / "a").read_text() == "x"


def test_a_folder_that_turns_read_only_does_not_hide_what_went_wrong_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(Library), whole_file(tmp_path / "a"):
        raise Library


KILLED = """
import os, sys, time
from pathlib import Path
from icl_data.foundation.whole_file import whole_file
with whole_file(Path(sys.argv[1])) as beside:
    beside.write_text("half")
    print(beside, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has written half of figure.png; what it writes looks a minute old."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "figure.png")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    beside = process.stdout.readline().strip()
    os.utime(beside, (time.time() - 60,) * 2)
    yield process
    process.kill()
    process.communicate()


def test_what_a_killed_process_has_left_goes_at_the_next_writing(tmp_path: Path, writer: subprocess.Popen[str]) -> None:
    writer.kill()
    writer.wait()
    write_text(tmp_path / "other.png", "x")
    assert len(list(tmp_path.iterdir())) == 2
    write_text(tmp_path / "figure.png", "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figure.png", "other.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="no locks that end with their process; age tells, after an hour")
def test_what_a_living_process_writes_stays(tmp_path: Path, writer: subprocess.Popen[str]) -> None:
    write_text(tmp_path / "figure.png", "x")
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_every_umask_is_followed(tmp_path: Path, umask: int, mode: int) -> None:
    previous = os.umask(umask)
    try:
        write_text(tmp_path / "a", "x")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode
