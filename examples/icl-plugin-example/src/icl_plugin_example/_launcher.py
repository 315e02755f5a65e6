"""A launcher of one's own: processes of this machine that step back for everything else that it does."""

import itertools
import os
import signal
import subprocess
from dataclasses import dataclass

from icl_models import ComponentConfig, JobState, LauncherError, LauncherSpec, hookimpl


@dataclass(frozen=True, kw_only=True)
class MyLauncherConfig(ComponentConfig):
    nice: int = 10
    """From 0, as everything else, to 19, the last in line."""

    def __post_init__(self):
        if not 0 <= self.nice <= 19:
            raise ValueError(f"nice must be in [0, 19], got {self.nice}")


class MyLauncher:
    def __init__(self, own, jobs):
        self.own, self.processes, self.numbers = own, {}, itertools.count()

    def submit(self, jobs):
        return [self.start(job) for job in jobs]

    def start(self, job):
        try:
            with (job.folders[0] / "log.txt").open("ab") as log:
                process = subprocess.Popen(
                    ["nice", f"-n{self.own.nice}", *job.command],
                    stdin=subprocess.PIPE,  # whose end, with this process, ends the training
                    stdout=log,
                    stderr=log,
                    env={**os.environ, "OMP_NUM_THREADS": str(job.threads)},
                    start_new_session=True,  # Ctrl+C is for the sweep, which passes it on
                )
        except OSError as error:
            raise LauncherError(str(error)) from error
        number = f"{process.pid}-{next(self.numbers)}"
        self.processes[number] = process
        return number

    def states(self, ids):
        codes = [self.processes[number].poll() if number in self.processes else 0 for number in ids]
        running = JobState(stage="running")
        return [running if code is None else JobState(stage="gone", how=f"with exit code {code}") for code in codes]

    def end(self, ids, *, at_once):
        for process in [self.processes[number] for number in ids if number in self.processes]:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL if at_once else signal.SIGTERM)

    def close(self):
        for process in self.processes.values():
            process.stdin.close()
            process.wait()


@hookimpl
def icl_register_launchers():
    return [LauncherSpec(name="my-launcher", build=MyLauncher, config=MyLauncherConfig, here=True)]
