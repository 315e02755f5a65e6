"""A session of noxfile.py runs the tests that are named where it is called, though it runs them elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "tools"))

from asked_tests import absolute, asked


@pytest.fixture
def root(tmp_path):
    """A folder with two folders of tests."""
    for name in ("house", "e2e"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "test_one.py").touch()
    return tmp_path


def test_tests_are_named_from_where_the_session_is_called(root):
    words = ["-x", "e2e/test_one.py", "house/test_one.py::test_it[a/b::c]", "-k", "house", "-m", "e2e", "nowhere.py"]
    first, second = root / "e2e" / "test_one.py", f"{root / 'house' / 'test_one.py'}::test_it[a/b::c]"
    there = ["-x", str(first), second, "-k", "house", "-m", "e2e", "nowhere.py"]
    assert absolute(words, root) == there
    assert absolute(["test_one.py", "../house"], root / "e2e") == [str(first), str(root / "house")]
    assert asked(words, root, [root / "house"]) == there
    assert absolute(there, Path("/")) == there


def test_a_folder_of_counts_need_not_be_there(root):
    assert absolute(["--report", "counts"], root) == ["--report", str(root / "counts")]


def test_options_alone_leave_the_tests_of_the_session(root):
    paths = [root / "house", root / "e2e"]
    assert asked(["-k", "house"], root, paths) == ["-k", "house", *map(str, paths)]
    assert asked(["--report", "house"], root, paths) == ["--report", str(paths[0]), *map(str, paths)]
    assert asked([], root, paths) == [str(path) for path in paths]


def test_one_of_several_suites_runs_what_is_asked_for_of_its_own(root):
    words = ["-x", "house/test_one.py", "e2e"]
    assert asked(words, root, [root / "house"], own=True) == ["-x", str(root / "house" / "test_one.py")]
    assert asked(words, root, [root / "e2e"], own=True) == ["-x", str(root / "e2e")]
    assert asked(words, root, [root / "plugins"], own=True) == []
    assert asked(["-x"], root, [root / "plugins"], own=True) == ["-x", str(root / "plugins")]
