"""Training the runs of a sweep, some at a time, until each is done or has failed, as its folder says."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from icl_data.foundation.paths import describe
from icl_models import JobState, Launcher, LauncherError, LauncherSpec
from icl_train._estimate.work import Work
from icl_train._launchers.child import LOG
from icl_train._plans.labels import labels
from icl_train._runs.folder import RunFolder
from icl_train._runs.held import held
from icl_train._runs.interrupt import StopRequest
from icl_train._runs.pace import WORTH_ESTIMATING, duration_text
from icl_train._sweeps.board import Board
from icl_train._sweeps.cost import longest_first, seconds_left
from icl_train._sweeps.estimate import Timing, expected_times
from icl_train._sweeps.jobs import clear_marks, job_of, living_jobs
from icl_train._sweeps.teams import teams_of
from icl_train._sweeps.watched import Watched
from icl_train._watching.job import forget_job, note_job
from icl_train._watching.state import state_of
from icl_train._watching.view import failure

__all__ = ["Queue"]

POLL_SECONDS = 0.25
_SECONDS_OF_UPDATES = 3.0  # before the first estimate
_SECONDS_BETWEEN_ANSWERS = 5.0
# What was written elsewhere can take as long to be seen here: that is how long folders are remembered by NFS.
_SECONDS_TO_ARRIVE = 30.0


class Queue:
    """The runs of one sweep while they are trained.

    Args:
        runs: the runs.
        broken: folders of further runs that cannot be read, and why.
        spec, launcher: who trains them.
        names: what the runs are called on screen; None for class count and seed.
        jobs: jobs at a time; None for as many as there are.
        board: where they are shown.
        grace: seconds from SIGTERM to SIGKILL when runs must end.
        follow: whether to wait for runs that other processes train, and for jobs that go on without the sweep.
        stall_minutes: after how long without a sign of life a run that is trained for this sweep is ended; None for
            never.
        members: runs of an ensemble at most; None for all that can be one.
    """

    def __init__(
        self,
        runs: Sequence[RunFolder],
        broken: Sequence[tuple[Path, str]],
        *,
        spec: LauncherSpec,
        launcher: Launcher,
        names: Sequence[str] | None = None,
        jobs: int | None,
        board: Board,
        grace: float,
        follow: bool,
        stall_minutes: float | None = None,
        members: int | None = None,
    ) -> None:
        self._spec, self._launcher = spec, launcher
        self._jobs, self._board, self._grace, self._follow = jobs or max(1, len(runs)), board, grace, follow
        shown = labels([run.config for run in runs]) if names is None else names
        called = dict(zip((run.path for run in runs), shown, strict=True))
        self._stall_minutes, self._members = stall_minutes, members
        self._total = len(runs) + len(broken)
        self._waiting = [Watched(run, called[run.path], board) for run in longest_first(runs)]
        self._training: list[Watched] = []
        self._followed: list[Watched] = []
        self._n_done = self._n_elsewhere = 0
        self._failures: list[tuple[str, str]] = []
        self._timings: dict[Path, Timing] = {}
        self._estimate_due: float | None = None
        self._estimated = False
        self._states: dict[str, JobState] = {}
        self._next_answer, self._silent_launcher = 0.0, False
        self._next_look_elsewhere = 0.0
        self.failed: list[RunFolder] = []
        for path, reason in broken:
            self._failures.append((path.name, reason))
            board.say(f"{path.name}: failed, {reason}")

    def train(self, stop: StopRequest) -> None:
        """Train until nothing is open, or somebody asks for an end.

        Raises:
            KeyboardInterrupt: if that leaves work open. No process of this sweep lives on, but jobs of a launcher that
                outlives it.
        """
        with self._alone():
            self._sort_out()
            if self._spec.outlives and not stop.requested:
                self._start()
        if not self._open():
            self._show()
        try:
            while self._open() and not stop.requested:
                self._look()
                self._look_elsewhere()
                self._start()
                self._show()
                if self._open():
                    time.sleep(POLL_SECONDS)
        finally:  # whatever happens here, no run goes on without its sweep
            open_work = self._open()
            self._end(stop)
            with contextlib.suppress(OSError):
                self._show(time_left=not open_work)
        if stop.requested and open_work:
            raise KeyboardInterrupt
        for label, reason in self._failures:
            self._board.say(f"{label}: failed, {reason}")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Two sweeps that hand over jobs at once would each find the other's runs untaken."""
        if not self._spec.outlives or not self._waiting:
            yield
            return
        lock = self._waiting[0].run.path.parent / ".submitting.lock"
        while True:
            with held(lock) as ours:
                if ours:
                    yield
                    return

    def _open(self) -> bool:
        return bool(self._waiting or self._training or self._followed)

    def _sort_out(self) -> None:
        """Leave aside what is done; follow, or leave alone, what others train, and jobs that are there already."""
        there = living_jobs([one.run for one in self._waiting], self._spec.name, self._launcher, say=self._board.say)
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            status = state_of(one.run)
            if status == "done" and one.run.is_done_and_whole():
                self._n_done += 1
                one.say("done, skipped")
            elif one.run.path in there:
                self._take_up(one, there[one.run.path])
            elif status == "running":
                self._trained_elsewhere(one)
            else:
                self._waiting.append(one)

    def _start(self) -> None:
        while self._waiting and len({one.job for one in self._training}) < self._jobs_at_once:
            ready: list[Watched] = []
            teams = teams_of(self._waiting, lambda one: one.run.config, members=self._members)
            chosen = [one for team in (teams if self._spec.outlives else teams[:1]) for one in team]
            self._waiting = [one for one in self._waiting if one not in chosen]
            for one in chosen:
                status = state_of(one.run)  # another sweep may have got to it first
                if status == "done" and one.run.is_done_and_whole():
                    self._done(one, "done by another process")
                elif status == "running":
                    self._trained_elsewhere(one)
                elif one.view.gone:
                    self._fail(one, "its folder is gone")
                else:
                    ready.append(one)
            if ready:
                self._submit(teams_of(ready, lambda one: one.run.config, members=self._members))

    @property
    def _jobs_at_once(self) -> int:
        """A launcher that outlives the sweep is handed everything, and sees to it itself how many run."""
        return self._total + 1 if self._spec.outlives else self._jobs

    def _submit(self, teams: Sequence[Sequence[Watched]]) -> None:
        """Hand over a job for each, and write down by what the launcher knows it, before and after."""
        ready = [members for team in teams if (members := [one for one in team if self._made_ready(one)])]
        jobs = [job_of([one.run for one in team], here=self._spec.here) for team in ready]
        try:
            ids = self._launcher.submit(jobs) if jobs else []
        except LauncherError as error:
            for one in (one for team in ready for one in team):
                forget_job(one.run.path)
                self._fail(one, f"could not be started: {error}")
            return
        for team, number in zip(ready, ids, strict=True):
            what = "started" if self._spec.here else f"job {number} of {self._spec.name}"
            for one in team:
                one.log = team[0].run.path / LOG
                with contextlib.suppress(OSError):
                    self._note(one, number)
                self._take_up(one, number, f"{what} in {one.run.path}")

    def _made_ready(self, one: Watched) -> bool:
        try:
            clear_marks(one.run)
            self._note(one, "")
        except OSError as error:
            self._fail(one, f"could not be started: {describe(error)}")
            return False
        return True

    def _note(self, one: Watched, number: str) -> None:
        if not self._spec.here:
            stage = "queued" if number else "submitting"
            note_job(one.run.path, launcher=self._spec.name, id=number, stage=stage)  # type: ignore[arg-type]

    def _take_up(self, one: Watched, number: str, what: str = "") -> None:
        """A job is this sweep's to follow."""
        what = what or f"job {number} of {self._spec.name} trains it"
        if self._spec.outlives and not self._follow:
            self._n_elsewhere += 1
            one.end(f"{what}, left alone")
            return
        one.job = number
        self._states[number] = JobState(stage="running" if self._spec.here else "queued")
        self._training.append(one)
        one.begin(what)

    def _look(self) -> None:
        self._ask()
        for one in list(self._training):
            assert one.job is not None
            state = self._states[one.job]  # asked before the last look, which then sees all that was written
            one.look(queued=state.stage == "queued")
            self._measure(one)
            if self._is_over(one, state):
                self._training.remove(one)
                self._judge(one, state.how)
            elif self._stall_minutes is not None and one.silent_minutes > self._stall_minutes:
                self._end_stalled(one, self._stall_minutes)

    def _ask(self) -> None:
        """Ask the launcher what has become of the jobs: one of other machines not more often than it bears."""
        if not self._training or time.monotonic() < self._next_answer:
            return
        self._next_answer = 0.0 if self._spec.here else time.monotonic() + _SECONDS_BETWEEN_ANSWERS
        ids = list(dict.fromkeys(one.job for one in self._training if one.job is not None))
        try:
            self._states.update(zip(ids, self._launcher.states(ids), strict=True))
            self._silent_launcher = False
        except LauncherError as error:  # it may answer again; the folders tell the rest
            if not self._silent_launcher:
                self._board.say(f"{self._spec.name} does not say what has become of the jobs: {error}")
            self._silent_launcher = True

    def _is_over(self, one: Watched, state: JobState) -> bool:
        """Whether the job is gone, and what it has written has had time to be seen here."""
        if self._spec.here:
            return state.stage == "gone"
        if state_of(one.run) in ("done", "failed") or one.view.gone:
            return True
        return one.gone_for(gone=state.stage == "gone") > _SECONDS_TO_ARRIVE

    def _end_stalled(self, one: Watched, minutes: float) -> None:
        """A run that hangs in somebody's code hears no signal that asks."""
        assert one.job is not None
        with contextlib.suppress(LauncherError):
            self._launcher.end([one.job], at_once=True)
        self._training.remove(one)
        if one.run.status() == "done":
            return self._judge(one, "")
        reason = f"no sign of life for {minutes:g} minutes, at step {one.view.step}: ended (--stall-minutes)"
        with contextlib.suppress(OSError):
            one.run.mark_failed(reason)
        return self._fail(one, reason)

    def _look_elsewhere(self) -> None:
        if time.monotonic() < self._next_look_elsewhere:
            return
        self._next_look_elsewhere = time.monotonic() + 1.0
        for one in list(self._followed):
            running = state_of(one.run) == "running"
            one.look()
            if running:
                continue
            self._followed.remove(one)
            if one.run.status() in ("done", "failed") or one.view.gone:
                self._judge(one, "in another process")
            else:
                one.end(f"the process that trained it ended at step {one.view.step}; it goes on here")
                self._waiting.insert(0, one)

    def _judge(self, one: Watched, how: str) -> None:
        """What has become of a run whose process has ended."""
        status, last = state_of(one.run), one.run.config.train.max_steps
        if not self._spec.here and status != "running":
            forget_job(one.run.path)
        if one.view.gone:
            self._fail(one, "its folder is gone")
        elif status == "failed":
            self._fail(one, failure(one.run) or "for no reason given")
        elif status == "running":
            self._trained_elsewhere(one)
        elif status != "done":
            told = f"ended {how}".rstrip()
            self._fail(
                one,
                f"{told} before its last step, at step {one.view.step} of {last}, see {one.log}",
            )
        elif one.view.damage:
            self._fail(one, one.view.damage)
        else:
            self._done(one, "done")

    def _done(self, one: Watched, what: str) -> None:
        self._n_done += 1
        one.end(what)

    def _fail(self, one: Watched, reason: str) -> None:
        self.failed.append(one.run)
        self._failures.append((one.label, reason))
        one.end(f"failed, {reason}")

    def _trained_elsewhere(self, one: Watched) -> None:
        one.job = None
        one.view.look()
        who = f"process {one.view.beat.pid} on {one.view.beat.host}" if one.view.beat else "another process"
        if self._follow:
            self._followed.append(one)
            one.begin(f"{who} trains it, followed")
        else:
            self._n_elsewhere += 1
            one.end(f"{who} trains it, left alone")

    def _measure(self, one: Watched) -> None:
        if one.view.times is not None:
            self._timings[one.run.path] = Timing(one.run.config, one.view.times)

    def _queued(self) -> list[Watched]:
        return [one for one in self._training if one.job and self._states[one.job].stage == "queued"]

    def _show(self, *, time_left: bool = True) -> None:
        queued = len(self._queued())
        numbers = {
            "running": len(self._training) - queued,
            "queued": queued,
            "elsewhere": len(self._followed) + self._n_elsewhere,
            "failed": len(self._failures),
            "waiting": len(self._waiting),
        }
        counts = ", ".join(
            [f"{self._n_done} of {self._total} done", *(f"{count} {what}" for what, count in numbers.items() if count)]
        )
        left = self._seconds_left() if time_left and self._open() else None
        if left is not None and not self._estimated:
            self._estimate(left)
        self._board.totals(counts, left, ": ".join(self._failures[-1]) if self._failures else "")

    def _estimate(self, seconds: float) -> None:
        """Say once how long it all takes, as a run does by itself: when a few updates were timed."""
        if self._estimate_due is None:
            self._estimate_due = time.monotonic() + _SECONDS_OF_UPDATES
        if time.monotonic() < self._estimate_due:
            return
        self._estimated = True
        open_runs = len(self._waiting) + len(self._training) + len(self._followed)
        if seconds >= WORTH_ESTIMATING and open_runs > 1:
            at_a_time = min(self._jobs, open_runs)
            self._board.say(
                f"about {duration_text(seconds)} for {open_runs} runs on this machine, {at_a_time} at a time"
            )

    def _seconds_left(self) -> float | None:
        """Time until the last run is done, from the speeds measured so far; None before there are any."""

        def needs(one: Watched) -> float | None:
            if one.view.seconds_left is not None:
                return one.view.seconds_left
            times = expected_times(one.run.config, self._timings.values())
            return None if times is None else times.from_the_start(Work.left_of(one.run.config, one.done))

        queued = self._queued()
        running = [one for one in self._training if one not in queued]
        here, elsewhere, later = (
            [needs(one) for one in some] for some in (running, self._followed, [*queued, *self._waiting])
        )
        known = [[seconds for seconds in some if seconds is not None] for some in (here, elsewhere, later)]
        if sum(map(len, known)) < len(here) + len(elsewhere) + len(later):
            return None
        return max([seconds_left(known[0], known[2], self._jobs), *known[1]])

    def _end(self, stop: StopRequest) -> None:
        """End the runs that are trained here, each with a checkpoint if it comes to that within the grace."""
        if self._training and self._spec.outlives:
            self._last_word(f"{len(self._training)} jobs go on without this sweep: the same command follows them again")
        elif self._training:
            self._end_jobs(stop)
        with contextlib.suppress(LauncherError):
            self._launcher.close()

    def _end_jobs(self, stop: StopRequest) -> None:
        ids = list(dict.fromkeys(one.job for one in self._training if one.job is not None))
        with contextlib.suppress(LauncherError):
            self._launcher.end(ids, at_once=False)
        self._last_word(f"ending {len(self._training)} of the runs, each with a checkpoint (Ctrl+C again: at once)")
        deadline = time.monotonic() + self._grace
        while left := self._living(ids):
            if stop.insisted or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        with contextlib.suppress(LauncherError):
            self._launcher.end(left, at_once=True)
        for one in self._training:
            if one.job in left:
                why = "at once" if stop.insisted else f"as it did not end within {self._grace:g} s"
                kept = max(one.run.checkpoint_steps(), default=0)
                self._last_word(f"{one.label}: killed {why}; the checkpoint of step {kept} is its last")
        self._waiting, self._training = [*self._training, *self._waiting], []

    def _living(self, ids: Sequence[str]) -> list[str]:
        try:
            states = self._launcher.states(ids)
        except LauncherError:
            return []
        return [number for number, state in zip(ids, states, strict=True) if state.stage != "gone"]

    def _last_word(self, line: str) -> None:
        with contextlib.suppress(OSError):  # a reader that left must not keep runs from being ended
            self._board.say(line)
