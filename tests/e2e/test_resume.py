"""Killed in the middle and resumed, a run ends with the weights, bit for bit, of one that was never broken."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from safetensors.torch import load_file

ARGS = [
    "--max-steps",
    "120",
    "--eval-interval",
    "40",
    "--train.checkpoint-interval",
    "20",
    "--train.log-interval",
    "15",
]
ARGS += ["--model.dropout-prob", "0.1", "--data.n-rare-classes", "200"]


def icl_train(*args):
    return [sys.executable, "-m", "icl_train", *map(str, args)]


def run_to_end(*args):
    return subprocess.run(icl_train(*args), capture_output=True, text=True, check=True)


def kill_after(step, command, run):
    """Start ``command``; SIGKILL it as soon as ``run`` has a checkpoint at or after ``step``."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    give_up = time.monotonic() + 120
    try:
        while process.poll() is None and time.monotonic() < give_up:
            steps = [int(path.name[5:]) for path in run.glob("checkpoints/step_*")]
            if max(steps, default=0) >= step:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
                return
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    pytest.fail("the run ended before it could be killed")


CLOCK = ("sequences_per_second", "crc32")


def records(run):
    """metrics.jsonl without what a clock decides, or hangs on that."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name not in CLOCK} for line in lines]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    root = tmp_path_factory.mktemp("unbroken")
    run_to_end("run", "smoke", "--root", root, "--name", "run", *ARGS)
    return root / "run"


def test_kill_9_twice_then_resume_ends_with_the_same_weights_and_metrics(tmp_path, unbroken):
    run = tmp_path / "run"
    kill_after(40, icl_train("run", "smoke", "--root", tmp_path, "--name", "run", *ARGS), run)
    assert not (run / "DONE").exists()
    kill_after(80, icl_train("resume", run), run)
    run_to_end("resume", run)
    for name in ("model", "optimizer"):
        ours = load_file(run / "checkpoints" / "step_0000120" / f"{name}.safetensors")
        expected = load_file(unbroken / "checkpoints" / "step_0000120" / f"{name}.safetensors")
        assert ours.keys() == expected.keys()
        for key, value in expected.items():
            assert value.equal(ours[key]), key
    assert records(run) == records(unbroken)
    assert len((run / "progress.txt").read_text().splitlines()) == len(records(run))


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_keeps_its_work_and_says_how_to_go_on(stop, tmp_path, unbroken):
    run = tmp_path / "run"
    args = [arg if arg != "20" else "1000" for arg in ARGS]  # no checkpoint of its own before the end
    process = subprocess.Popen(
        icl_train("run", "smoke", "--root", tmp_path, "--name", "run", *args),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if line.startswith("step 40/120 "):
            process.send_signal(stop)
            break
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"icl-train resume {run}" in complaint
    saved = [int(path.name[5:]) for path in run.glob("checkpoints/step_*")]
    assert saved
    assert saved[0] >= 30
    run_to_end("resume", run)
    ours = load_file(run / "checkpoints" / "step_0000120" / "model.safetensors")
    for key, value in load_file(unbroken / "checkpoints" / "step_0000120" / "model.safetensors").items():
        assert value.equal(ours[key]), key


def test_resuming_a_finished_run_changes_nothing(unbroken):
    before = {path: path.stat().st_mtime_ns for path in unbroken.rglob("*") if path.is_file()}
    assert "done already" in run_to_end("resume", unbroken).stdout
    assert {path: path.stat().st_mtime_ns for path in unbroken.rglob("*") if path.is_file()} == before
