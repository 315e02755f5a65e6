"""The command ``icl-train run``: sources of one's own, and what happens to a run when its surroundings go."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from icl_train import RunFolder
from icl_train._commands.main import _main

SOURCE = """\
import numpy as np
from icl_data import ArraySource

def vectors():
    return ArraySource(np.random.default_rng(0).normal(size=(80, 9, 4)).astype("float32"))

class Leaves(ArraySource):
    def gather(self, *args, **options):
        raise SystemExit(0)

def leaves():
    return Leaves(np.random.default_rng(0).normal(size=(80, 9, 4)).astype("float32"))
"""


@pytest.fixture
def own_source(tmp_path, monkeypatch):
    (tmp_path / "own_source.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "own_source", raising=False)


def test_a_source_of_ones_own_gets_the_embedder_for_its_examples(tmp_path, own_source):
    args = ["run", "smoke", "--data.source", "own_source:vectors", "--root", str(tmp_path / "runs"), "--name", "own"]
    assert _main(args) == 0
    assert RunFolder.open(tmp_path / "runs" / "own").config.model.embedder == "vector"


def test_a_source_that_calls_sys_exit_makes_no_run_done(tmp_path, own_source):
    args = ["run", "smoke", "--data.source", "own_source:leaves", "--root", str(tmp_path / "runs"), "--name", "own"]
    with pytest.raises(Exception, match="code that the run calls ended it: SystemExit: 0"):
        _main(args)
    assert RunFolder.open(tmp_path / "runs" / "own").status() == "failed"


def test_a_reader_that_leaves_does_not_make_a_run_failed(tmp_path):
    options = ["--root", str(tmp_path), "--name", "run"]
    command = [sys.executable, "-m", "icl_train", "run", "smoke", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=180) == 141
    assert RunFolder.open(tmp_path / "run").status() == "interrupted"


LONG = ["--max-steps", "1000000", "--train.checkpoint-interval", "1000000"]


@pytest.mark.usefixtures("heeding_hangups")
def test_a_run_whose_terminal_is_closed_saves_its_last_update(tmp_path, on_terminal):
    options = ["--root", str(tmp_path), "--name", "run", *LONG]
    terminal = on_terminal([sys.executable, "-m", "icl_train", "run", "smoke", *options], columns=80)
    terminal.until("step 20/1000000")
    terminal.hang_up()  # SIGHUP, and nothing can be printed any more
    terminal.process.wait(timeout=180)
    run = RunFolder.open(tmp_path / "run")
    assert run.status() == "interrupted"
    assert run.checkpoint_steps()[-1] >= 20


def test_a_run_started_under_nohup_outlives_a_hangup(tmp_path):
    options = ["--root", str(tmp_path), "--name", "run", *LONG]
    command = [sys.executable, "-m", "icl_train", "run", "smoke", *options]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    try:
        reached = _step_after(process, 0)
        os.kill(process.pid, signal.SIGHUP)
        assert _step_after(process, reached + 50) > reached
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=180)
        assert process.returncode == 130
    finally:
        process.kill()
        process.communicate()


def _step_after(process, step):
    """The first step past ``step`` that the run tells."""
    for line in process.stdout:
        told = line.removeprefix("step ").partition("/")[0]
        if line.startswith("step ") and int(told) > step:
            return int(told)
    return pytest.fail("the run has ended")


def test_a_run_that_ends_with_its_standard_input_writes_a_checkpoint(tmp_path):
    options = ["--root", str(tmp_path), "--name", "run", "--max-steps", "20"]
    assert _main(["run", "smoke", *options]) == 0
    run = RunFolder.open(tmp_path / "run")
    run = run.rewrite(config=replace(run.config, train=replace(run.config.train, max_steps=1_000_000)))
    (run.path / "DONE").unlink()
    command = [sys.executable, "-m", "icl_train", "resume", str(run.path), "--end-with-stdin"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        give_up = time.monotonic() + 180
        while not any(record["step"] > 20 for record in run.records()):
            assert time.monotonic() < give_up
            assert process.poll() is None
            time.sleep(0.05)
        process.stdin.close()
        assert process.wait(timeout=180) == 130
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert run.checkpoint_steps()[-1] > 20
    assert run.status() == "interrupted"
