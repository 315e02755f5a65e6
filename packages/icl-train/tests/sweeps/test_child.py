"""The process that trains a run: how it ended, in words."""

import os
import sys
from pathlib import Path

import pytest

from icl_train import RunFolder
from icl_train._launchers.child import Child
from icl_train._sweeps.jobs import clear_marks, job_of


@pytest.fixture
def run(short, tmp_path):
    return RunFolder.create(tmp_path / "run", short(), device="cpu", threads=1)


@pytest.fixture
def child(run, monkeypatch, tmp_path):
    """``child(code)``: a process that runs this Python in the place of a training."""
    started = []

    def start(code):
        script = tmp_path / "script"
        script.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{code}'\n")
        script.chmod(0o755)
        monkeypatch.setattr("icl_train._sweeps.jobs.sys.executable", str(script))
        clear_marks(run)
        started.append(Child(job_of([run], here=True)))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait(180)


def test_a_process_that_lives_has_not_ended(child):
    process = child("import sys; sys.stdin.read()")
    assert process.ended() is None
    assert not process.wait(0)


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("pass", "with exit code 0"),
        ("print(1)", "with exit code 0"),
        (
            'import sys; print("first"); print("the last\\033[2J word"); print(); sys.exit(3)',
            "with exit code 3 (the last",
        ),
        ("import sys; sys.exit(3)", "with exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "by SIGKILL"),
        ("import os; os.kill(os.getpid(), 15)", "by SIGTERM"),
    ],
)
def test_how_a_process_ended_is_told_with_its_last_line_where_it_complained(code, how, child):
    process = child(code)
    assert process.wait(180)
    assert process.ended().startswith(how)
    assert ("(" in process.ended()) == ("(" in how)


def test_the_last_line_is_one_of_this_process_and_not_of_an_earlier_one(run, child):
    (run.path / "log.txt").write_text("of an earlier try\n")
    process = child("import sys; sys.exit(1)")
    assert process.wait(180)
    assert process.ended() == "with exit code 1"
    assert (run.path / "log.txt").read_text() == "of an earlier try\n"


def test_a_run_whose_process_has_not_got_to_training_is_queued(run):
    (run.path / "log.txt").touch()
    assert run.status() == "queued"


def test_what_an_earlier_process_left_is_gone_before_the_next_one_starts(run, child):
    run.mark_failed("earlier")
    (run.path / "heartbeat.json").write_text("{}")
    child("import sys; sys.stdin.read()")
    assert not (run.path / "FAILED").exists()
    assert not (run.path / "heartbeat.json").exists()


def test_a_kill_takes_what_the_process_has_started_with_it(run, child, until):
    sleep = '[sys.executable, "-c", "import time; time.sleep(1000)"]'
    process = child(f"import subprocess, sys; print(subprocess.Popen({sleep}).pid, flush=True); sys.stdin.read()")
    pid = int(until(lambda: (run.path / "log.txt").read_text().strip()))
    process.kill()
    assert process.wait(180)
    if os.path.isdir("/proc/self"):
        until(lambda: ended(pid))


def ended(pid):
    """Whether there is no such process, but for one that nobody has asked about."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except FileNotFoundError:
        return True
