"""A sweep that ends takes its runs with it, each with a checkpoint, however it ends."""

import io
import os
import signal
import threading

import pytest

from icl_train import RunFolder
from icl_train._sweeps.sweep import launch, prepare

pytestmark = pytest.mark.usefixtures("heeding_hangups")

HANGS = """\
import time
from pathlib import Path
import numpy as np
from icl_data import ArraySource

class Hangs(ArraySource):
    def gather(self, *args, **options):
        while Path("hang").exists():
            Path("hanging").touch()
            time.sleep(0.05)
        return super().gather(*args, **options)

def make():
    return Hangs(np.random.default_rng(0).normal(size=(80, 9, 4)).astype("float32"))
"""
LONG = ["sweep", "figure3a", "--preset", "smoke", "--max-steps", "100000", "--class-counts", "64", "--root", "runs"]


def started_run(folder, until):
    """The run of a sweep of one, once it has a checkpoint."""
    until(lambda: list(folder.glob("runs/*/checkpoints/step_*")))
    (config,) = folder.glob("runs/*/config.json")
    return RunFolder.open(config.parent)


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def pid_of(run, until):
    from icl_train._watching.heartbeat import read_beat

    return until(lambda: read_beat(run.path)).pid


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGINT"])
def test_a_signal_ends_a_sweep_and_its_runs_are_asked_to_end(name, short, tmp_path, child):
    (run,) = prepare([short()], tmp_path, jobs=1)
    asked = []

    def plan(self):
        if self.asked:
            asked.append(self.run)
            return "with exit code 130"
        if not asked:
            os.kill(os.getpid(), getattr(signal, name))
        return None

    child(plan)
    stream = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        launch([run], jobs=1, stream=stream)
    assert run in asked
    assert "0 of 1 done, 1 waiting" in stream.getvalue().splitlines()


def test_a_run_that_does_not_end_within_the_grace_is_killed(short, tmp_path, child):
    (run,) = prepare([short()], tmp_path, jobs=1)
    killed = []

    def plan(self):
        os.kill(os.getpid(), signal.SIGTERM)  # repeated by whoever sends it: no reason to hurry
        return

    kind = child(plan)
    kind.kill = lambda self: killed.append(self.run)
    stream = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        launch([run], jobs=1, stream=stream, grace=0.3)
    assert killed == [run]
    told = "64 classes, s0: killed as it did not end within 0.3 s; the checkpoint of step 0 is its last"
    assert told in stream.getvalue().splitlines()


def test_a_second_ctrl_c_kills_at_once(short, tmp_path, child):
    (run,) = prepare([short()], tmp_path, jobs=1)
    killed = []

    def plan(self):
        os.kill(os.getpid(), signal.SIGINT)
        return

    kind = child(plan)
    kind.kill = lambda self: killed.append(self.run)
    stream = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        launch([run], jobs=1, stream=stream, grace=10_000)
    assert killed == [run]
    assert "64 classes, s0: killed at once; the checkpoint of step 0 is its last" in stream.getvalue().splitlines()


def test_an_error_of_the_sweeps_own_ends_its_runs(short, tmp_path, child):
    (run,) = prepare([short()], tmp_path, jobs=1)
    asked = []

    class Leaving(io.StringIO):
        def write(self, text):
            if asked_for:
                raise BrokenPipeError
            return super().write(text)

    asked_for = []

    def plan(self):
        if self.asked:
            asked.append(self.run)
            return "with exit code 130"
        asked_for.append(True)
        self.run.append([{"split": "eval_fewshot_holdout", "step": 1, "accuracy_closed": 0.5, "chance": 0.5}])
        return None

    child(plan)
    with pytest.raises(BrokenPipeError):
        launch([run], jobs=1, stream=Leaving())
    assert run in asked


def test_a_signal_after_the_last_run_is_done_interrupts_nothing(short, tmp_path, child):
    (run,) = prepare([short()], tmp_path, jobs=1)

    def plan(self):
        self.run.mark_done()
        os.kill(os.getpid(), signal.SIGTERM)
        return "with exit code 0"

    child(plan)
    assert launch([run], jobs=1, stream=io.StringIO()) == []


def test_signals_mean_what_they_meant_after_a_sweep(short, tmp_path, child):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    child()
    launch(prepare([short()], tmp_path, jobs=1), jobs=1, stream=io.StringIO())
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_a_hung_up_sweep_ends_its_run_with_a_checkpoint(tmp_path, start, until):
    sweep = start(*LONG, cwd=tmp_path)
    run = started_run(tmp_path, until)
    pid = pid_of(run, until)
    sweep.send_signal(signal.SIGHUP)
    assert sweep.wait(timeout=180) == 130
    assert gone(pid)
    assert run.status() == "interrupted"
    assert run.records()[-1]["step"] <= run.checkpoint_steps()[-1]


def test_a_sweep_that_is_killed_leaves_no_process_behind_and_a_checkpoint(tmp_path, start, until):
    sweep = start(*LONG, cwd=tmp_path)
    run = started_run(tmp_path, until)
    pid = pid_of(run, until)
    sweep.send_signal(signal.SIGKILL)
    sweep.wait(timeout=180)
    until(lambda: gone(pid))
    assert run.status() == "interrupted"
    assert run.records()[-1]["step"] <= run.checkpoint_steps()[-1]


@pytest.fixture
def hanging(tmp_path, start, until):
    """``hanging(*options)``: a sweep whose run hangs in its source, its run, and the number of that process."""
    (tmp_path / "hangs.py").write_text(HANGS)

    def begin(*options):
        sweep = start(*LONG, "--data.source", "hangs:make", *options, cwd=tmp_path)
        run = started_run(tmp_path, until)
        pid = pid_of(run, until)
        (tmp_path / "hang").touch()
        until((tmp_path / "hanging").exists)
        return sweep, run, pid

    return begin


def test_a_run_that_hangs_is_killed_after_the_grace_and_keeps_its_checkpoint(hanging):
    sweep, run, pid = hanging("--grace", "1")
    sweep.send_signal(signal.SIGTERM)
    told, _ = sweep.communicate(timeout=180)
    assert sweep.returncode == 130
    assert "killed as it did not end within 1 s; the checkpoint of step " in told
    assert gone(pid)
    assert run.status() == "interrupted"
    assert run.checkpoint_steps()


def test_ctrl_c_twice_ends_a_sweep_whose_run_hangs(hanging, until):
    sweep, run, pid = hanging("--grace", "10000")
    sweep.send_signal(signal.SIGINT)
    for line in sweep.stdout:
        if "Ctrl+C again: at once" in line:
            break
    sweep.send_signal(signal.SIGINT)
    told, _ = sweep.communicate(timeout=180)
    assert sweep.returncode == 130
    assert "killed at once" in told
    assert gone(pid)
    assert run.status() == "interrupted"


def test_a_sweep_in_another_thread_leaves_signals_alone(short, tmp_path, child):
    child()
    run = prepare([short()], tmp_path, jobs=1)
    found = []
    thread = threading.Thread(target=lambda: found.append(launch(run, jobs=1, stream=io.StringIO())))
    thread.start()
    thread.join(180)
    assert found == [[]]
