"""Run folders appear whole; what killed processes leave behind is in nobody's way, and goes."""

import errno
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from icl_train import RunError, RunFolder, smoke
from icl_train._commands.main import _main
from icl_train._making.whole import remove_leftovers, whole_folder

KILLED = """
import os, sys
from pathlib import Path
from icl_train._making.whole import whole_folder
process = os.getpid()
os.getpid = lambda: 7  # as in a container
with whole_folder(Path(sys.argv[1])) as beside:
    (beside / "config.json").write_text("{}")
    os.kill(process, 9)
"""


def make(path):
    return RunFolder.create(path, smoke(), device="cpu", threads=1)


@pytest.fixture
def leftover(tmp_path):
    """What a process leaves that is killed between making and naming a run's folder."""
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "run")], check=False)
    (left,) = tmp_path.iterdir()
    assert left.name != "run"
    return left


def age(path, seconds):
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_a_kill_before_the_naming_blocks_no_other_process_of_the_same_number(leftover, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: 7)
    make(tmp_path / "run")
    assert (tmp_path / "run" / "config.json").is_file()


def test_a_leftover_goes_at_the_next_start(leftover, tmp_path):
    age(leftover, 60)
    make(tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_may_still_be_written_stays(leftover, tmp_path):
    make(tmp_path / "run")
    assert leftover.is_dir()


def test_what_a_living_process_makes_stays_however_old(tmp_path):
    with whole_folder(tmp_path / "run") as beside:
        age(beside, 4000)
        make(tmp_path / "other")
        assert beside.is_dir()
    assert (tmp_path / "run").is_dir()


@pytest.mark.parametrize("name", [".mine.making", ".0123456789abcdef.making"])
def test_what_is_somebody_elses_stays(name, tmp_path):
    other = tmp_path / name
    other.mkdir()
    if name != ".mine.making":
        (other / "thesis.tex").touch()
    age(other, 4000)
    make(tmp_path / "run")
    assert other.is_dir()


def test_files_that_a_killed_process_was_writing_go_when_the_run_goes_on(tmp_path):
    run = make(tmp_path / "run")
    left = [".metrics.jsonl.0123abcd.writing.jsonl", ".DONE.0123abcd.writing", "checkpoints/.writing_step_0000020/x"]
    kept = [".hidden", "notes.writing", "checkpoints/step_0000010/x"]
    for name in (*left, *kept):
        (run.path / name).parent.mkdir(parents=True, exist_ok=True)
        (run.path / name).touch()
    remove_leftovers(run.path)
    assert not any((run.path / name).exists() for name in left)
    assert all((run.path / name).exists() for name in kept)


def test_a_folder_that_cannot_be_filled_leaves_neither_itself_nor_the_folders_above(tmp_path):
    (tmp_path / "there").mkdir()

    def fill(path):
        with whole_folder(path) as beside:
            (beside / "config.json").touch()
            raise OSError(errno.ENOSPC, "full", str(beside / "config.json"))

    with pytest.raises(OSError, match="No space left") as caught:
        fill(tmp_path / "there" / "a" / "b" / "run")
    assert caught.value.filename == str(tmp_path / "there" / "a" / "b" / "run")
    assert list(tmp_path.rglob("*")) == [tmp_path / "there"]


def test_a_link_to_a_run_opens_and_trains(tmp_path, capsys):
    run = make(tmp_path / "run")
    (tmp_path / "link").symlink_to(run.path)
    assert RunFolder.open(tmp_path / "link").config == run.config
    assert RunFolder.open(tmp_path / "link").name == "link"
    assert _main(["resume", str(tmp_path / "link")]) == 0
    assert run.status() == "done"


def test_a_link_that_leads_nowhere_is_in_the_way(tmp_path):
    (tmp_path / "run").symlink_to(tmp_path / "nowhere")
    with pytest.raises(RunError, match="a new run needs a folder that does not exist"):
        make(tmp_path / "run")


def test_the_folder_that_one_is_in_has_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(make(tmp_path / "run").path)
    assert RunFolder.open(Path()).name == "run"


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/tmp/x", "", ".", "..", ".hidden", "a/.b", "a//b", "a/"])
def test_a_name_stays_below_the_root_and_in_sight(name, tmp_path):
    with pytest.raises(ValueError, match=r"^name must be of a folder in --root, and not begin with a dot, got '"):
        _main(["run", "smoke", "--root", str(tmp_path / "runs"), f"--name={name}"])
    assert list(tmp_path.iterdir()) == []


def test_home_is_expanded_in_root_and_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    options = ["--max-steps", "2", "--eval-batches", "1"]
    assert _main(["run", "smoke", "--root=~/runs", "--name", "a/b", *options]) == 0
    assert (tmp_path / "runs" / "a" / "b" / "DONE").is_file()
    assert _main(["resume", "~/runs/a/b"]) == 0
    assert f"{tmp_path / 'runs' / 'a' / 'b'}: done already" in capsys.readouterr().out
    assert _main(["status", "~/runs"]) == 0


@pytest.mark.filterwarnings("ignore:flock not supported")
def test_two_processes_never_train_one_run_where_there_is_no_flock(tmp_path, monkeypatch):
    def none(descriptor, operation):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    run = make(tmp_path / "run")
    monkeypatch.setattr(fcntl, "flock", none)
    with run.lock(), pytest.raises(RunError, match="one process at a time"), RunFolder.open(run.path).lock():
        pass
    with run.lock():
        assert run.status() == "running"
