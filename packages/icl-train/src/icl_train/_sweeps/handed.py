"""The jobs of a sweep at its launcher: handed over, written down, asked after and ended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

from icl_data.foundation.paths import describe
from icl_models import JobState, Launcher, LauncherError, LauncherSpec
from icl_train._launchers.child import LOG
from icl_train._runs.held import held
from icl_train._runs.interrupt import StopRequest
from icl_train._sweeps.jobs import clear_marks, job_of, living_jobs
from icl_train._sweeps.watched import Watched
from icl_train._watching.job import forget_job, note_job
from icl_train._watching.state import state_of

__all__ = ["Handed"]

_SECONDS_BETWEEN_ANSWERS = 5.0
# What was written elsewhere can take as long to be seen here: that is how long folders are remembered by NFS.
_SECONDS_TO_ARRIVE = 30.0


class Handed:
    """What the sweep's launcher has to do, and what it has said last.

    Args:
        spec, launcher: who trains.
        threads: of runs that were not made for a number of threads.
        say: is told what the launcher does not answer.
    """

    def __init__(
        self, spec: LauncherSpec, launcher: Launcher, *, threads: int | None, say: Callable[[str], None]
    ) -> None:
        self.spec, self._launcher, self._threads, self._say = spec, launcher, threads, say
        self._states: dict[str, JobState] = {}
        self._next_answer, self._silent = 0.0, False

    @contextlib.contextmanager
    def alone(self, waiting: Sequence[Watched], stop: StopRequest) -> Iterator[bool]:
        """Two sweeps that hand over jobs at once would each find the other's runs untaken.

        Args:
            waiting: runs that are to be handed over.
            stop: asks for an end of the wait for another sweep.

        Yields:
            Whether no other sweep does so meanwhile; False if the wait for it was ended.
        """
        if not self.spec.outlives or not waiting:
            yield True
            return
        lock = waiting[0].run.path.parent / ".submitting.lock"
        told = False
        while not stop.requested:
            with held(lock) as ours:
                if ours:
                    yield True
                    return
            if not told:
                self._say(f"waiting for another sweep, which is handing over its jobs and holds {lock}")
            told = True
        yield False

    def take_up_living(self, waiting: Sequence[Watched]) -> list[Watched]:
        """Those whose jobs an earlier sweep has handed over, and that are queued or running still.

        Raises:
            LauncherError: as `living_jobs` does.
        """
        there = living_jobs([one.run for one in waiting], self.spec.name, self._launcher, say=self._say)
        found = [one for one in waiting if one.run.path in there]
        for one in found:
            self._take(one, there[one.run.path])
        return found

    def submit(self, teams: Sequence[Sequence[Watched]]) -> dict[Watched, str]:
        """Hand over a job for each team, and write down by what the launcher knows it, before and after.

        Args:
            teams: the runs that one process trains; mostly one.

        Returns:
            What could not be started, and why.
        """
        refused: dict[Watched, str] = {}
        ready = [members for team in teams if (members := [one for one in team if self._made_ready(one, refused)])]
        jobs = [job_of([one.run for one in team], here=self.spec.here, threads=self._threads) for team in ready]
        try:
            ids = self._launcher.submit(jobs) if jobs else []
        except LauncherError as error:
            for one in (one for team in ready for one in team):
                forget_job(one.run.path)
                refused[one] = str(error)
            return refused
        for team, number in zip(ready, ids, strict=True):
            for one in team:
                one.log = team[0].run.path / LOG
                with contextlib.suppress(OSError):
                    self._note(one, number)
                self._take(one, number)
        return refused

    def _made_ready(self, one: Watched, refused: dict[Watched, str]) -> bool:
        try:
            clear_marks(one.run)
            self._note(one, "")
        except OSError as error:
            refused[one] = describe(error)
            return False
        return True

    def forget(self, one: Watched) -> None:
        """Its job is gone."""
        if not self.spec.here:
            forget_job(one.run.path)

    def state(self, one: Watched) -> JobState:
        """What the launcher has last said of its job."""
        return self._states[one.job] if one.job is not None else JobState(stage="gone")

    def ask(self, training: Sequence[Watched]) -> None:
        """Ask what has become of jobs: a launcher of other machines not more often than it bears."""
        if not training or time.monotonic() < self._next_answer:
            return
        self._next_answer = 0.0 if self.spec.here else time.monotonic() + _SECONDS_BETWEEN_ANSWERS
        ids = _ids(training)
        try:
            self._states.update(zip(ids, self._launcher.states(ids), strict=True))
            self._silent = False
        except LauncherError as error:  # it may answer again; the folders tell the rest
            if not self._silent:
                self._say(f"{self.spec.name} does not say what has become of the jobs: {error}")
            self._silent = True

    def is_over(self, one: Watched) -> bool:
        """Whether its job is gone, and what that has written has had time to be seen here."""
        gone = self.state(one).stage == "gone"
        if self.spec.here:
            return gone
        if state_of(one.run) in ("done", "failed") or one.view.gone:
            return True
        return one.gone_for(gone=gone) > _SECONDS_TO_ARRIVE

    def kill(self, one: Watched) -> None:
        """End its job at once."""
        with contextlib.suppress(LauncherError):
            self._launcher.end(_ids([one]), at_once=True)

    def end(self, training: Sequence[Watched], stop: StopRequest, *, grace: float) -> list[Watched]:
        """End jobs, each with a checkpoint if it comes to that within the grace; those that had to be killed.

        Args:
            training: whose jobs.
            stop: whether somebody insists on an end at once.
            grace: in seconds.
        """
        ids = _ids(training)
        with contextlib.suppress(LauncherError):
            self._launcher.end(ids, at_once=False)
        deadline = time.monotonic() + grace
        while (left := self._living(ids)) and not stop.insisted and time.monotonic() <= deadline:
            time.sleep(0.05)
        if left:
            with contextlib.suppress(LauncherError):
                self._launcher.end(left, at_once=True)
        return [one for one in training if one.job in left]

    def close(self) -> None:
        """The sweep ends."""
        with contextlib.suppress(LauncherError):
            self._launcher.close()

    def _take(self, one: Watched, number: str) -> None:
        one.job = number
        self._states[number] = JobState(stage="running" if self.spec.here else "queued")

    def _note(self, one: Watched, number: str) -> None:
        if not self.spec.here:
            note_job(one.run.path, launcher=self.spec.name, id=number, stage="queued" if number else "submitting")

    def _living(self, ids: Sequence[str]) -> list[str]:
        try:
            states = self._launcher.states(ids)
        except LauncherError:
            return []
        return [number for number, state in zip(ids, states, strict=True) if state.stage != "gone"]


def _ids(training: Sequence[Watched]) -> list[str]:
    """Of their jobs, each once: one may train several runs."""
    return list(dict.fromkeys(one.job for one in training if one.job is not None))
