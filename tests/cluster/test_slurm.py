"""A sweep on a real Slurm: jobs preempted, requeued and killed, and what came back."""

import os
import signal
import subprocess

import pytest
from swept import GRID, icl_train, is_under_way, read_stage, runs_in, starts, states, until, written

from icl_train._launchers.settings import SlurmConfig
from icl_train.testing import LauncherConformance

SWEEP = [*GRID, "--run-seeds", "0", "1", "2", "--launcher", "slurm", "--launcher-config.time", "30", "--root", "runs"]


class TestSlurm(LauncherConformance):
    name = "slurm"
    own = SlurmConfig(time="5", grace=60, memory=0.5, sbatch=("comment=tried", "nice"), setup=("export TRIED=yes",))
    seconds = 120.0

    @pytest.fixture(autouse=True)
    def on_it(self, slurm):
        """Jobs need it."""


def queue():
    """Job → its state."""
    told = subprocess.run(
        ["squeue", "--array", "--noheader", "--format=%i %T"], capture_output=True, text=True, check=True
    )
    return dict(line.split() for line in told.stdout.splitlines())


def jobs_so_far(root):
    return len(list((root / ".submitit").glob("*_submitted.pkl")))


def test_jobs_preempted_requeued_and_killed_end_as_if_nothing_had_been(slurm, unbroken, tmp_path):
    root = tmp_path / "runs"
    told = icl_train(*SWEEP, "--jobs", "2", "--no-follow", cwd=tmp_path, ok=3)
    assert "0 of 3 done, 3 elsewhere" in told
    runs = runs_in(root)
    numbers = {seed: states(root)[run.name]["job"]["id"] for seed, run in runs.items()}
    assert len({number.partition("_")[0] for number in numbers.values()}) == 1  # an array

    # The same command again hands nothing over.
    told = icl_train(*SWEEP, "--no-follow", cwd=tmp_path, ok=3)
    assert told.count("of slurm trains it, left alone") == 3
    assert jobs_so_far(root) == 3

    # The first is preempted, the second requeued by hand, the third waits until then.
    until(lambda: is_under_way(runs[0]), "steps of run 0")
    waiting = states(root)[runs[2].name]
    assert (waiting["state"], waiting["job"]) == ("queued", {"launcher": "slurm", "id": numbers[2]})
    subprocess.run(["scancel", "--signal=USR2", numbers[0]], check=True)
    until(lambda: read_stage(runs[0]) == "queued", "run 0 back in the queue")
    assert states(root)[runs[0].name]["state"] == "queued"
    until(lambda: is_under_way(runs[1]), "steps of run 1")
    subprocess.run(["scontrol", "requeue", numbers[1]], check=True)

    # The process that trains the third is killed.
    third = until(lambda: is_under_way(runs[2]), "steps of run 2")
    os.kill(third["pid"], signal.SIGKILL)
    until(lambda: queue().get(numbers[2]) not in ("RUNNING", "COMPLETING"), "end of the job of run 2")
    assert states(root)[runs[2].name]["state"] == "interrupted"

    # The sweep goes on with the killed one alone, and follows the others.
    told = icl_train(*SWEEP, cwd=tmp_path)
    assert "3 of 3 done" in told
    assert jobs_so_far(root) == 4
    for seed in (0, 1):
        first, *again = starts(runs[seed])
        assert first == 0
        assert len(again) == 1
        assert again[0] > 100
    assert starts(runs[2])[0] == 0
    assert {seed: written(run) for seed, run in runs.items()} == unbroken

    # And once all is done, nothing.
    told = icl_train(*SWEEP, cwd=tmp_path)
    assert told.count("done, skipped") == 3
    assert jobs_so_far(root) == 4
    assert not list(root.glob("*/job.json"))


def test_a_wish_that_slurm_refuses_is_told_in_a_line_and_leaves_no_note(slurm, tmp_path):
    told = icl_train(*SWEEP, "--launcher-config.partition", "nowhere", cwd=tmp_path, ok=1)
    assert "invalid partition specified" in told.lower()
    assert not list((tmp_path / "runs").glob("*/job.json"))


def test_a_job_whose_time_is_up_is_requeued_and_its_run_goes_on(slurm, tmp_path):
    more = ["--launcher-config.time", "1", "--launcher-config.grace", "30", "--max-steps", "1000000"]
    icl_train(*SWEEP, *more, "--run-seeds", "0", "--no-follow", cwd=tmp_path, ok=3)
    (run,) = runs_in(tmp_path / "runs").values()
    until(lambda: len(starts(run)) == 2, "a second start")
    assert starts(run)[1] > 0
    (number,) = queue()
    subprocess.run(["scancel", number], check=True)
    until(lambda: not queue(), "the job's end")
    assert states(tmp_path / "runs")[run.name]["state"] == "interrupted"
