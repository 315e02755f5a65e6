"""Sweeps in which much goes wrong, and two at once on one root: what can be trained is, once, and all is told."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals that end and stop processes")

# What becomes of a run hangs on its seed, until a file says that all is mended.
SOURCE = """
import os, re, signal, sys, threading, time
from pathlib import Path
import numpy as np
from icl_data import ArraySource

def fault(seed, run):
    if seed == 1: os._exit(0)
    if seed == 2: raise RuntimeError("the source is out of order")
    if seed == 3: sys.exit(7)
    return {4: lambda: os._exit(5), 5: lambda: os.kill(os.getpid(), signal.SIGKILL),
            8: lambda: os.kill(os.getpid(), signal.SIGSTOP)}.get(seed)

def make():
    values = np.random.default_rng(0).normal(size=(80, 9, 8)).astype("float32")
    run = Path(next((arg for arg in sys.argv if re.search("-s[0-9]+-[0-9a-f]{8}$", arg)), "none-s99-0"))
    seed = int(run.name.split("-s")[1].partition("-")[0])
    if not Path("mended").exists() and "resume" in sys.argv:
        later = fault(seed, run)
        if later is not None:
            def when_it_trains():
                while not (run / "heartbeat.json").exists():
                    time.sleep(0.002)
                later()
            threading.Thread(target=when_it_trains, daemon=True).start()
        if seed in (6, 7):
            values[:] = 1e30
    return ArraySource(values)
"""
SEEDS = [str(seed) for seed in range(20)]
GRID = ["sweep", "grid", "smoke", "--data.source", "faulty:make", "--root", "runs", "--run-seeds", *SEEDS]
SETTINGS = ["--max-steps", "400", "--eval-batches", "1", "--eval.interval", "400"]
JOBS = ["--jobs", "3"]


def icl_train(*args, cwd):
    command = [sys.executable, "-P", "-m", "icl_train", *args]
    return subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process):
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def seed_of(name):
    return re.search(r"-s(\d+)-\w+$", name)[1]


def ends(root):
    return {path.parent.name: path.stat().st_mtime_ns for path in root.glob("*/DONE")}


def test_of_twenty_runs_nine_go_wrong_and_the_second_call_trains_just_those(tmp_path):
    (tmp_path / "faulty.py").write_text(SOURCE)
    made = finished(icl_train(*GRID, *SETTINGS, "--launcher", "commands", cwd=tmp_path))
    assert made[0] == 0, made[2]
    folders = {seed_of(path.name): path for path in (tmp_path / "runs").iterdir()}
    assert len(folders) == 20
    (folders["9"] / "config.json").write_text("{")

    code, out, err = finished(icl_train(*GRID, *SETTINGS, *JOBS, "--stall-minutes", "0.5", cwd=tmp_path))
    assert code == 1, out + err
    size, line = err.splitlines()
    assert size == "20 runs: 20 seeds"
    assert line.startswith("icl-train sweep: 9 of 20 runs failed: ")
    done = ends(tmp_path / "runs")
    assert {seed_of(name) for name in done} == {"0", *SEEDS[10:]}
    lines = out.splitlines()
    last = max(number for number, line in enumerate(lines) if "11 of 20 done, 9 failed" in line)
    reasons = {
        re.search(r"\bs(\d+)\b.*: failed", line)[1]: line.partition(": failed, ")[2] for line in lines[last + 1 :]
    }
    assert sorted(reasons) == SEEDS[1:10]
    for seed, reason in {
        "1": "ended with exit code 0 ",
        "2": "the source is out of order",
        "3": "SystemExit: 7",
        "4": "ended with exit code 5 ",
        "5": "ended by SIGKILL before its last step",
        "6": "the loss must stay finite, got nan",
        "7": "the loss must stay finite, got nan",
        "8": "no sign of life for 0.5 minutes",
        "9": "config.json",
    }.items():
        assert reason in reasons[seed], (seed, reasons[seed])

    (tmp_path / "mended").touch()
    for file in folders["9"].iterdir():
        file.unlink()
    folders["9"].rmdir()
    code, out, err = finished(icl_train(*GRID, *SETTINGS, *JOBS, cwd=tmp_path))
    assert code == 0, out + err
    again = ends(tmp_path / "runs")
    assert len(again) == 20
    assert {name: again[name] for name in done} == done


def test_two_sweeps_on_one_root_train_each_run_once_and_both_succeed(tmp_path):
    args = [
        "sweep",
        "figure3a",
        "--preset",
        "smoke",
        "--class-counts",
        "30",
        "40",
        "50",
        "--run-seeds",
        "0",
        "--root",
        "runs",
    ]
    both = [icl_train(*args, "--jobs", "2", cwd=tmp_path) for _ in range(2)]
    for code, out, err in map(finished, both):
        assert (code, err) == (0, ""), out
        assert "3 of 3 done" in out
    for path in (tmp_path / "runs").glob("*/config.json"):
        assert len(json.loads(path.read_bytes())["starts"]) == 1


def test_a_second_process_that_trains_a_run_is_refused_in_one_line_and_disturbs_nothing(tmp_path):
    long = ["--max-steps", "1500", "--eval.interval", "3000", "--train.checkpoint-interval", "3000"]
    first = icl_train("run", "smoke", "--root", "runs", "--name", "run", *long, cwd=tmp_path)
    while not (Path(tmp_path) / "runs" / "run" / "heartbeat.json").exists():
        assert first.poll() is None
    first.send_signal(signal.SIGSTOP)  # it must not end before the others have looked
    second = finished(icl_train("resume", "runs/run", cwd=tmp_path))
    third = finished(icl_train("run", "smoke", "--root", "runs", "--name", "run", cwd=tmp_path))
    first.send_signal(signal.SIGCONT)
    assert finished(first)[0] == 0
    for code, _, err in (second, third):
        assert code == 2
        assert len(err.splitlines()) == 1
    assert "one process at a time may train a run" in second[2]
