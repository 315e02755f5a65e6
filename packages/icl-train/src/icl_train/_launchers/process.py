"""A job as a machine of a cluster carries it out: the training in a process of its own, ended and told of."""

from __future__ import annotations

import time
from pathlib import Path

from icl_models import Job
from icl_train._launchers.child import Child
from icl_train._runs.folder import RunError, RunFolder
from icl_train._runs.interrupt import GRACE_SECONDS
from icl_train._watching.job import forget_job, note_job

__all__ = ["JobProcess", "has_ended"]

_POLL_SECONDS = 0.2


def has_ended(folder: Path) -> bool:
    """Whether there is nothing left to train: a run is done, has failed by itself, or cannot be read."""
    try:
        return RunFolder.open(folder).status() in ("done", "failed")
    except RunError:
        return True


class JobProcess:
    """Trains the runs of a job in a process of its own, so that signals and GPUs are those of nothing else.

    Args:
        job: the job.
        launcher, id: whose it is, and by what it is known there, for job.json.
    """

    def __init__(self, job: Job, *, launcher: str, id: str) -> None:
        self._job, self._launcher, self._id = job, launcher, id
        self._child: Child | None = None

    def run(self) -> str:
        """Train until the process ends, which is told in words.

        The note of the job stays where a run has not come to its end: the scheduler may start it again.
        """
        for folder in self._job.folders:
            note_job(folder, launcher=self._launcher, id=self._id, stage="running")
        self._child = Child(self._job)
        try:
            while (how := self._child.ended()) is None:
                time.sleep(_POLL_SECONDS)
        except BaseException:
            self.end()
            raise
        for folder in self._job.folders:
            if has_ended(folder):
                forget_job(folder)
        return how

    def end(self) -> None:
        """Have it write its checkpoints and end; one that does not within the grace is killed."""
        if self._child is None or self._child.ended() is not None:
            return
        self._child.terminate()
        if not self._child.wait(GRACE_SECONDS):
            self._child.kill()
            self._child.wait(GRACE_SECONDS)

    def waits_again(self) -> None:
        """The job goes back into the queue; its runs go on from their checkpoints."""
        for folder in self._job.folders:
            note_job(folder, launcher=self._launcher, id=self._id, stage="queued")
