"""Paths as users write them; system errors name what the user knows, and what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from icl_data.foundation.paths import describe, errors_about, require_writable, user_path


def test_the_home_folder_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert user_path("~/runs") == Path("/home/somebody/runs")
    assert user_path("a/~") == Path("a/~")


def test_a_home_folder_that_is_not_there_is_a_mistake_with_the_path() -> None:
    with pytest.raises(ValueError, match=r"home folder, got ~nobody-of-this-name/x$"):
        user_path("~nobody-of-this-name/x")


def test_an_error_without_a_path_gets_one() -> None:
    with pytest.raises(OSError, match="No space") as caught, errors_about(Path("runs/a")):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.filename == "runs/a"


def test_an_error_about_a_temporary_folder_is_about_what_the_user_asked_for() -> None:
    with pytest.raises(NotADirectoryError) as caught, errors_about(Path("runs/a"), instead_of=Path("runs/.a-17")):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), "runs/.a-17/config.json")
    assert caught.value.filename == "runs/a"


def test_an_error_about_something_else_stays_as_it_is() -> None:
    with pytest.raises(FileNotFoundError) as caught, errors_about(Path("runs/a"), instead_of=Path("runs/.a-17")):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "zips")
    assert caught.value.filename == "zips"


def test_a_system_error_is_one_line_of_what_where_and_what_to_do() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/a")
    assert describe(full) == ("No space left on device: runs/a (free some space, or choose a folder on another disk)")
    assert describe(FileNotFoundError("the output's folder\nmust exist")) == "the output's folder must exist"


def test_a_disk_that_can_only_be_read_is_no_missing_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_writable(tmp_path)
    monkeypatch.setattr(os, "access", lambda *args: False)
    with pytest.raises(OSError, match=os.strerror(errno.EACCES)):
        require_writable(tmp_path)
    facts = os.statvfs(tmp_path)
    read_only = os.statvfs_result((*facts[:8], facts.f_flag | os.ST_RDONLY, facts.f_namemax))
    monkeypatch.setattr(os, "statvfs", lambda path: read_only)
    with pytest.raises(OSError, match=os.strerror(errno.EROFS)):
        require_writable(tmp_path)
