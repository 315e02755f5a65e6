"""The launcher "slurm": a job array, through submitit. A job that is told to end is requeued, and its runs resumed."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from icl_data.foundation.extras import import_extra
from icl_data.foundation.printable import one_line
from icl_models import Job, JobState, LauncherError
from icl_train._launchers.process import JobProcess, has_ended
from icl_train._launchers.settings import SlurmConfig

__all__ = ["SlurmLauncher", "Trained", "require_commands"]

_COMMANDS = ("sbatch", "squeue", "scancel", "srun")
_FOLDER = ".submitit"
_REQUEUES = 1_000_000
_SECONDS_TO_ANSWER = 60
_SECONDS_FOR_A_SIGNAL = 10.0
_QUEUED = ("PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD")


def require_commands() -> None:
    """Raise ValueError where this machine has no Slurm."""
    missing = [name for name in _COMMANDS if shutil.which(name) is None]
    if missing:
        raise ValueError(f"launcher 'slurm' needs Slurm's commands, got a machine without {', '.join(missing)}")


class SlurmLauncher:
    """Jobs by their number at Slurm, as `icl_models.Launcher` has them.

    Args:
        own: settings.
        jobs: jobs at a time; None for as many as Slurm starts.
    """

    def __init__(self, own: SlurmConfig, jobs: int | None) -> None:
        self._own, self._jobs = own, jobs

    def submit(self, jobs: Sequence[Job]) -> list[str]:
        """One array of them all; a single job is no array.

        Raises:
            LauncherError: Slurm refuses it.
        """
        submitit = import_extra("submitit", "icl-train[slurm]", "launcher 'slurm'")
        own = self._own
        folder = Path(own.folder).expanduser() if own.folder else jobs[0].folders[0].absolute().parent / _FOLDER
        executor = submitit.SlurmExecutor(folder=folder.absolute(), max_num_timeout=_REQUEUES)
        cpus = max(own.cpus, *(job.threads for job in jobs))
        asked: dict[str, Any] = {
            "job_name": _common_name(jobs),
            "time": own.minutes,
            "cpus_per_task": cpus,
            "srun_args": [f"--cpus-per-task={cpus}"],  # since 22.05, srun does not take it from sbatch
            "gpus_per_node": own.gpus or None,
            "partition": own.partition,
            "mem": None if own.memory is None else f"{round(own.memory * 1024)}M",
            "setup": list(own.setup) or None,
            "signal_delay_s": own.grace,
            "array_parallelism": self._jobs or len(jobs),
            "additional_parameters": {**own.options, "requeue": True},
            "stderr_to_stdout": True,
        }
        try:
            executor.update_parameters(**{name: value for name, value in asked.items() if value is not None})
            with executor.batch():
                submitted = [executor.submit(Trained(job)) for job in jobs]
            return [str(one.job_id) for one in submitted]
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            raise LauncherError(one_line(f"Slurm refuses the jobs: {error}")) from error

    def states(self, ids: Sequence[str]) -> list[JobState]:
        """What squeue says of them; what it does not list is gone.

        Raises:
            LauncherError: it does not answer.
        """
        listed = _answer("squeue", "--me", "--array", "--noheader", "--states=all", "--format=%i|%T")
        known = dict(line.strip().split("|", 1) for line in listed.splitlines() if "|" in line)
        return [_state(known.get(number)) for number in ids]

    def end(self, ids: Sequence[str], *, at_once: bool) -> None:
        """scancel, which asks by SIGTERM; or kills.

        Raises:
            LauncherError: it cannot be asked.
        """
        gone = {number for number, state in zip(ids, self.states(ids), strict=True) if state.stage == "gone"}
        left = [number for number in ids if number not in gone]
        if left:
            _answer("scancel", *(["--signal=KILL", "--full"] if at_once else []), *left)

    def close(self) -> None:
        """The jobs go on."""


class Trained:
    """What submitit calls on the machine that Slurm has chosen, and again when the job was requeued.

    Args:
        job: the job.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._process: JobProcess | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"_job": self._job, "_process": None}

    def __call__(self) -> str:
        """Train the runs; how their process ended."""
        self._process = JobProcess(self._job, launcher="slurm", id=_own_id())
        how = self._process.run()
        if not all(map(has_ended, self._job.folders)):
            # Slurm signals every process of a job: the training may hear of the end before this one does.
            time.sleep(_SECONDS_FOR_A_SIGNAL)
            raise RuntimeError(f"its process ended {how} before the last step, see the runs' log.txt")
        return how

    def checkpoint(self) -> Any:
        """Called by submitit on SIGUSR2: the job is to be requeued, the runs written down before."""
        from submitit.helpers import DelayedSubmission

        if self._process is not None:
            self._process.end()
            self._process.waits_again()
        return DelayedSubmission(Trained(self._job))


def _own_id() -> str:
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array else os.environ.get("SLURM_JOB_ID", "")


def _common_name(jobs: Sequence[Job]) -> str:
    """An array has but one name: what those of its jobs begin with."""
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*(job.name for job in jobs), strict=False))
    return "-".join(["icl", *filter(None, ["".join(letters[0] for letters in alike).rstrip("-_.")])])


def _state(told: str | None) -> JobState:
    if told is None:
        return JobState(stage="gone")
    if told in _QUEUED:
        return JobState(stage="queued")
    if told in ("RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"):
        return JobState(stage="running")
    return JobState(stage="gone", how=f"as {told} at Slurm")


def _answer(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS_TO_ANSWER, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LauncherError(one_line(f"{command[0]} does not answer: {error}")) from error
    if done.returncode:
        raise LauncherError(one_line(f"{command[0]}: {done.stderr.strip() or f'exit code {done.returncode}'}"))
    return done.stdout
