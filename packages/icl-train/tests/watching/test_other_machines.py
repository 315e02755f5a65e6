"""Runs that other machines train, over a file system that they share: clocks differ, and times are whole seconds."""

import json
import os
import platform
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from icl_data.foundation.sealed import seal_object
from icl_data.foundation.whole_file import writer_is_gone
from icl_train import RunError, RunFolder, smoke
from icl_train._commands.main import _main
from icl_train._watching import taking_over
from icl_train._watching.heartbeat import Heartbeat, read_beat
from icl_train._watching.job import forget_job, note_job, read_job
from icl_train._watching.state import state_of
from icl_train._watching.taking_over import take_over
from icl_train._watching.view import RunView


@pytest.fixture
def run(tmp_path):
    config = smoke()
    config = replace(config, train=replace(config.train, max_steps=20), eval=replace(config.eval, batches=1))
    return RunFolder.create(tmp_path / "run", config, device="cpu", threads=1)


def beat(run, *, host="another", ago=0.0, step=7, pid=1):
    told = {"step": step, "steps_per_second": 2.0, "pid": pid, "host": host, "time": time.time() - ago}
    beside = run.path / "heartbeat.beside"
    beside.write_text(seal_object(json.dumps(told, indent=1) + "\n"))
    beside.replace(run.path / "heartbeat.json")


@pytest.mark.parametrize("ago", [0.0, 8.0, -8.0], ids=["clocks agree", "its clock is behind", "its clock is ahead"])
def test_a_run_that_beats_elsewhere_is_running_although_its_lock_is_not_seen(run, ago):
    beat(run, ago=ago)
    assert state_of(run) == "running"


@pytest.mark.parametrize("ago", [300.0, -300.0])
def test_an_old_beat_from_elsewhere_is_that_of_a_dead_machine(run, ago):
    beat(run, ago=ago)
    (run.path / ".lock").touch()
    assert state_of(run) == "interrupted"


def test_a_beat_from_here_without_a_lock_is_that_of_a_killed_process(run):
    beat(run, host=platform.node())
    (run.path / ".lock").touch()
    assert state_of(run) == "interrupted"


def test_what_has_ended_is_that_however_it_beats(run):
    run.mark_done()
    beat(run)
    assert state_of(run) == "done"


@pytest.mark.parametrize(
    ("stage", "state"), [("queued", "queued"), ("submitting", "queued"), ("running", "interrupted")]
)
def test_a_run_whose_job_is_back_in_the_queue_is_queued(run, stage, state, capsys):
    (run.path / ".lock").touch()
    note_job(run.path, launcher="slurm", id="12_3", stage=stage)
    assert state_of(run) == state
    assert _main(["status", str(run.path), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["runs"]
    assert row["state"] == state
    assert row["job"] == ({"launcher": "slurm", "id": "12_3"} if state == "queued" else None)


@pytest.mark.parametrize("text", ["", "{}", '{"launcher": 3}', "x" * 200_000])
def test_a_job_that_cannot_be_read_is_none(run, text):
    (run.path / "job.json").write_text(text)
    assert read_job(run.path) is None
    assert state_of(run) == "queued"
    forget_job(run.path)
    assert not (run.path / "job.json").exists()


def test_records_are_read_on_whatever_times_the_file_system_has(run):
    view = RunView(run)
    for step in (1, 2, 3):
        run.append([{"split": "train", "step": step, "loss": 1.0}])
        os.utime(run.path / "metrics.jsonl", (10**9, 10**9))  # the same second each time, long ago
        assert [record["step"] for record in view.look()] == [step]


@pytest.mark.parametrize("ago", [6.0, -6.0])
def test_what_another_machine_has_just_begun_to_write_is_not_taken_away(tmp_path, ago):
    file = tmp_path / "made"
    file.touch()  # and not held yet
    when = round(time.time() - ago)
    os.utime(file, (when, when))
    assert not writer_is_gone(file)


def test_a_free_lock_is_no_reason_to_wait(run):
    (run.path / ".lock").touch()
    take_over(run, patience=1000.0)


def holder(run):
    """A process that holds the lock of a run until its input ends."""
    code = "import sys; from pathlib import Path; from icl_train import RunFolder\n"
    code += "with RunFolder.open(Path(sys.argv[1])).lock(): print('held', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(run.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_the_end_of_a_process_that_still_writes_its_checkpoint_is_waited_for(run):
    process = holder(run)
    try:
        threading.Timer(0.5, process.stdin.close).start()
        take_over(run, patience=1000.0)
        with run.lock():
            pass
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_lock_of_a_machine_that_gives_no_sign_of_life_is_broken(run):
    process = holder(run)  # as a file server keeps a lock whose machine is gone
    try:
        beat(run, ago=5.0)
        take_over(run, patience=0.5)
        with run.lock():
            assert read_beat(run.path) is None
    finally:
        process.communicate()
        process.wait()
    assert not [path.name for path in run.path.iterdir() if path.name.startswith(".lock.")]


def test_the_lock_of_a_process_of_this_machine_is_never_broken(run):
    process = holder(run)
    try:
        beat(run, host=platform.node())
        with pytest.raises(
            RunError, match=r"holds its lock and has given no sign of life for 0.5 s; if its machine is"
        ):
            take_over(run, patience=0.5)
    finally:
        process.communicate()


def test_a_run_that_another_machine_goes_on_with_is_left_to_it(run, monkeypatch):
    monkeypatch.setattr(taking_over, "_SIGNS_OF_AN_END", 3)
    ended = threading.Event()
    beat(run)

    def live():
        for step in range(1000):
            beat(run, step=step)
            if ended.wait(0.1):
                return

    thread = threading.Thread(target=live)
    thread.start()
    try:
        with pytest.raises(
            RunError, match=r"one process at a time may train a run, got .*, which process 1 on another is"
        ):
            take_over(run, patience=2.0)
    finally:
        ended.set()
        thread.join()


def test_a_process_that_was_taken_for_dead_ends_when_it_sees_its_successor(run, monkeypatch):
    with Heartbeat(run.path) as heartbeat:
        heartbeat.beat(1)
        beat(run, step=5)
        monkeypatch.setattr(heartbeat, "_due", 0.0)
        with (
            pytest.warns(RuntimeWarning, match="process 1 on another has taken the run over"),
            pytest.raises(KeyboardInterrupt),
        ):
            heartbeat.beat(2)
    assert read_beat(run.path).step == 5  # and leaves the other's sign of life


def test_the_command_takes_over_a_run_and_trains_it(run, capsys):
    beat(run, ago=300.0)
    assert _main(["resume", str(run.path), "--take-over", "1"]) == 0
    assert run.status() == "done"


@pytest.mark.parametrize("seconds", ["-1", "nan", "inf"])
def test_seconds_that_are_none_are_refused(run, seconds):
    with pytest.raises(ValueError, match="take-over must be a number of seconds, at least 0, got"):
        _main(["resume", str(run.path), f"--take-over={seconds}"])
