"""Sweeps of runs long enough to be broken off, as commands, and what their folders say."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from icl_data.foundation.sealed import unseal_object

SECONDS = 150  # until a test gives up on what it waits for
MAX_STEPS = 4000
GRID = ["sweep", "grid", "smoke", "--max-steps", str(MAX_STEPS), "--train.checkpoint-interval", "1000"]
GRID += ["--eval-interval", "1000", "--eval-batches", "1"]


def until(condition, what):
    """What ``condition`` returns as soon as that is true; a failure that says what did not come."""
    give_up = time.monotonic() + SECONDS
    while not (found := condition()):
        if time.monotonic() > give_up:
            pytest.fail(f"what the test waits for did not come: {what}")
        time.sleep(0.05)
    return found


def icl_train(*args, cwd, ok=0, **variables):
    """What the command says, both streams together; it must end with exit code ``ok``."""
    command = [sys.executable, "-P", "-m", "icl_train", *map(str, args)]
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **variables}, capture_output=True, text=True, timeout=600, check=False
    )
    told = done.stdout + done.stderr
    assert done.returncode == ok, told
    return told


def runs_in(root):
    """Run folders by seed."""
    return {int(path.name.split("-s")[1].partition("-")[0]): path for path in sorted(root.glob("gaussian*"))}


def beat(run):
    """What its heartbeat says; None where there is none."""
    try:
        return unseal_object((run / "heartbeat.json").read_bytes())
    except OSError:
        return None


def read_stage(run):
    """What its job.json says that its job does; None where there is none."""
    try:
        return unseal_object((run / "job.json").read_bytes())["stage"]
    except OSError:
        return None


def is_under_way(run, past=100):
    """Its heartbeat, when it has trained for a while."""
    found = beat(run)
    return found if found is not None and found["step"] > past else None


def starts(run):
    """From which step it was started, each time."""
    return [start["from_step"] for start in json.loads((run / "config.json").read_text())["starts"]]


def written(run):
    """Bytes of its last checkpoint, and its records but for how fast they came."""
    last = run / "checkpoints" / f"step_{MAX_STEPS:07d}"
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    of_time = ("sequences_per_second", "crc32")
    return (
        [(last / name).read_bytes() for name in ("model.safetensors", "optimizer.safetensors")],
        [{name: value for name, value in record.items() if name not in of_time} for record in records],
    )


def states(root, **variables):
    """What ``icl-train status`` says of each run, by folder."""
    told = json.loads(icl_train("status", root, "--json", cwd=root.parent, **variables))
    return {Path(row["path"]).name: row for row in told["runs"]}
