"""Training the runs of a sweep, some at a time, until each is done or has failed, as its folder says."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from icl_models import Launcher, LauncherSpec
from icl_train._plans.labels import labels
from icl_train._runs.folder import RunFolder
from icl_train._runs.interrupt import StopRequest
from icl_train._sweeps.board import Board
from icl_train._sweeps.cost import longest_first
from icl_train._sweeps.handed import Handed
from icl_train._sweeps.outlook import Outlook
from icl_train._sweeps.teams import teams_of
from icl_train._sweeps.watched import Watched
from icl_train._watching.state import state_of
from icl_train._watching.view import why_failed

__all__ = ["Queue"]

POLL_SECONDS = 0.25


class Queue:
    """The runs of one sweep while they are trained.

    Args:
        runs: the runs.
        broken: folders of further runs that cannot be read, and why.
        spec, launcher: who trains them.
        threads: of runs that were not made for a number of threads.
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
        threads: int | None = None,
        names: Sequence[str] | None = None,
        jobs: int | None,
        board: Board,
        grace: float,
        follow: bool,
        stall_minutes: float | None = None,
        members: int | None = None,
    ) -> None:
        self._spec, self._handed = spec, Handed(spec, launcher, threads=threads, say=board.say)
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
        self._outlook = Outlook(jobs=self._jobs, members=members)
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
        with self._handed.alone(self._waiting, stop) as is_alone:
            if is_alone:
                self._sort_out()
            if is_alone and self._spec.outlives and not stop.requested:
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

    def _open(self) -> bool:
        return bool(self._waiting or self._training or self._followed)

    def _sort_out(self) -> None:
        """Leave aside what is done; follow, or leave alone, what others train, and jobs that are there already."""
        there = self._handed.take_up_living(self._waiting)
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            status = state_of(one.run)
            if status == "done" and one.run.is_done_and_whole():
                self._n_done += 1
                one.say("done, skipped")
            elif one in there:
                self._take_up(one, f"job {one.job} of {self._spec.name} trains it")
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
        refused = self._handed.submit(teams)
        for one in (one for team in teams for one in team):
            if one in refused:
                self._fail(one, f"could not be started: {refused[one]}")
                continue
            what = "started" if self._spec.here else f"job {one.job} of {self._spec.name}"
            self._take_up(one, f"{what} in {one.run.path}")

    def _take_up(self, one: Watched, what: str) -> None:
        """A job is this sweep's to follow."""
        if self._spec.outlives and not self._follow:
            self._n_elsewhere += 1
            one.end(f"{what}, left alone")
            return
        self._training.append(one)
        one.begin(what)

    def _look(self) -> None:
        self._handed.ask(self._training)  # before the last look, which then sees all that was written
        for one in list(self._training):
            one.look(queued=self._handed.state(one).stage == "queued")
            self._measure(one)
            if self._handed.is_over(one):
                self._training.remove(one)
                self._judge(one, self._handed.state(one).how)
            elif self._stall_minutes is not None and one.silent_minutes > self._stall_minutes:
                self._end_stalled(one, self._stall_minutes)

    def _end_stalled(self, one: Watched, minutes: float) -> None:
        """A run that hangs in somebody's code hears no signal that asks."""
        self._handed.kill(one)
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
        if status != "running":
            self._handed.forget(one)
        if one.view.gone:
            self._fail(one, "its folder is gone")
        elif status == "failed":
            self._fail(one, why_failed(one.run) or "for no reason given")
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
        self._outlook.note(one, members=sum(other.job == one.job for other in self._training) if one.job else 1)

    def _queued(self) -> list[Watched]:
        return [one for one in self._training if self._handed.state(one).stage == "queued"]

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
        open_runs = len(self._waiting) + len(self._training) + len(self._followed)
        if estimate := self._outlook.estimate(left, runs=open_runs):
            self._board.say(estimate)
        self._board.totals(counts, left, ": ".join(self._failures[-1]) if self._failures else "")

    def _seconds_left(self) -> float | None:
        """Time until the last run is done, from the speeds measured so far; None before there are any."""
        queued = self._queued()
        running = [one for one in self._training if one not in queued]
        return self._outlook.seconds_left(running, self._followed, [*queued, *self._waiting])

    def _end(self, stop: StopRequest) -> None:
        """End the runs that are trained here, each with a checkpoint if it comes to that within the grace."""
        if self._training and self._spec.outlives:
            self._last_word(f"{len(self._training)} jobs go on without this sweep: the same command follows them again")
        elif self._training:
            self._end_jobs(stop)
        self._handed.close()

    def _end_jobs(self, stop: StopRequest) -> None:
        self._last_word(f"ending {len(self._training)} of the runs, each with a checkpoint (Ctrl+C again: at once)")
        for one in self._handed.end(self._training, stop, grace=self._grace):
            why = "at once" if stop.insisted else f"as it did not end within {self._grace:g} s"
            kept = max(one.run.checkpoint_steps(), default=0)
            self._last_word(f"{one.label}: killed {why}; the checkpoint of step {kept} is its last")
        self._waiting, self._training = [*self._training, *self._waiting], []

    def _last_word(self, line: str) -> None:
        with contextlib.suppress(OSError):  # a reader that left must not keep runs from being ended
            self._board.say(line)
