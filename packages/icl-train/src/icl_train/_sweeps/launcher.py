"""Training the runs of a sweep, some at a time, until each is done or has failed, as its folder says."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from icl_data.foundation.paths import describe
from icl_train._estimate.work import Work
from icl_train._plans.labels import labels
from icl_train._runs.folder import RunError, RunFolder
from icl_train._runs.interrupt import StopRequest
from icl_train._runs.pace import WORTH_ESTIMATING, duration_text
from icl_train._sweeps.board import Board
from icl_train._sweeps.child import LOG, Child
from icl_train._sweeps.cost import longest_first, seconds_left
from icl_train._sweeps.estimate import Timing, expected_times
from icl_train._sweeps.watched import Watched
from icl_train._watching.view import failure

__all__ = ["Launcher"]

POLL_SECONDS = 0.25
_SECONDS_FOR_A_KILL = 10.0
_SECONDS_OF_UPDATES = 3.0  # before the first estimate


class Launcher:
    """The runs of one sweep while they are trained.

    Args:
        runs: the runs.
        broken: folders of further runs that cannot be read, and why.
        names: what the runs are called on screen; None for class count and seed.
        jobs: runs trained here at a time.
        board: where they are shown.
        grace: seconds from SIGTERM to SIGKILL when runs must end.
        follow: whether to wait for runs that other processes train.
        stall_minutes: after how long without a sign of life a run that is trained here is ended; None for never.
    """

    def __init__(
        self,
        runs: Sequence[RunFolder],
        broken: Sequence[tuple[Path, str]],
        *,
        names: Sequence[str] | None = None,
        jobs: int,
        board: Board,
        grace: float,
        follow: bool,
        stall_minutes: float | None = None,
    ) -> None:
        self._jobs, self._board, self._grace, self._follow = jobs, board, grace, follow
        shown = labels([run.config for run in runs]) if names is None else names
        called = dict(zip((run.path for run in runs), shown, strict=True))
        self._stall_minutes = stall_minutes
        self._total = len(runs) + len(broken)
        self._waiting = [Watched(run, called[run.path], board) for run in longest_first(runs)]
        self._training: list[Watched] = []
        self._followed: list[Watched] = []
        self._n_done = self._n_elsewhere = 0
        self._failures: list[tuple[str, str]] = []
        self._timings: dict[Path, Timing] = {}
        self._estimate_due: float | None = None
        self._estimated = False
        self._next_look_elsewhere = 0.0
        self.failed: list[RunFolder] = []
        for path, reason in broken:
            self._failures.append((path.name, reason))
            board.say(f"{path.name}: failed, {reason}")

    def train(self, stop: StopRequest) -> None:
        """Train until nothing is open, or somebody asks for an end.

        Raises:
            KeyboardInterrupt: if that leaves work open; no process of this sweep lives on.
        """
        self._sort_out()
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
        """Leave aside what is done; follow, or leave alone, what others train."""
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            status = one.run.status()
            if status == "done" and one.run.is_done_and_whole():
                self._n_done += 1
                one.say("done, skipped")
            elif status == "running":
                self._trained_elsewhere(one)
            else:
                self._waiting.append(one)

    def _start(self) -> None:
        while self._waiting and len(self._training) < self._jobs:
            one = self._waiting.pop(0)
            status = one.run.status()  # another sweep may have got to it first
            if status == "done" and one.run.is_done_and_whole():
                self._done(one, "done by another process")
            elif status == "running":
                self._trained_elsewhere(one)
            elif one.view.gone:
                self._fail(one, "its folder is gone")
            else:
                try:
                    one.child = Child(one.run)
                except OSError as error:
                    self._fail(one, f"could not be started: {describe(error)}")
                    continue
                except RunError as error:
                    self._fail(one, f"could not be started: {error}")
                    continue
                self._training.append(one)
                one.begin(f"started in {one.run.path}")

    def _look(self) -> None:
        for one in list(self._training):
            assert one.child is not None
            how = one.child.ended()  # before the last look, which then sees all that was written
            one.look()
            self._measure(one)
            if how is not None:
                self._training.remove(one)
                self._judge(one, how)
            elif self._stall_minutes is not None and one.silent_minutes > self._stall_minutes:
                self._end_stalled(one, self._stall_minutes)

    def _end_stalled(self, one: Watched, minutes: float) -> None:
        """A run that hangs in somebody's code hears no signal that asks."""
        assert one.child is not None
        one.child.kill()
        one.child.wait(_SECONDS_FOR_A_KILL)
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
            running = one.run.status() == "running"
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
        status, last = one.run.status(), one.run.config.train.max_steps
        if one.view.gone:
            self._fail(one, "its folder is gone")
        elif status == "failed":
            self._fail(one, failure(one.run) or "for no reason given")
        elif status == "running":
            self._trained_elsewhere(one)
        elif status != "done":
            self._fail(
                one,
                f"ended {how} before its last step, at step {one.view.step} of {last}, see {one.run.path / LOG}",
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
        one.child = None
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

    def _show(self, *, time_left: bool = True) -> None:
        numbers = {
            "running": len(self._training),
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

        here, elsewhere, later = (
            [needs(one) for one in some] for some in (self._training, self._followed, self._waiting)
        )
        known = [[seconds for seconds in some if seconds is not None] for some in (here, elsewhere, later)]
        if sum(map(len, known)) < len(here) + len(elsewhere) + len(later):
            return None
        return max([seconds_left(known[0], known[2], self._jobs), *known[1]])

    def _end(self, stop: StopRequest) -> None:
        """End the runs that are trained here, each with a checkpoint if it comes to that within the grace."""
        if not self._training:
            return
        for one in self._training:
            assert one.child is not None
            one.child.terminate()
        self._last_word(f"ending {len(self._training)} of the runs, each with a checkpoint (Ctrl+C again: at once)")
        deadline = time.monotonic() + self._grace
        while any(one.child and one.child.ended() is None for one in self._training):
            if stop.insisted or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        for one in self._training:
            assert one.child is not None
            if one.child.ended() is None:
                one.child.kill()
                one.child.wait(_SECONDS_FOR_A_KILL)
                why = "at once" if stop.insisted else f"as it did not end within {self._grace:g} s"
                kept = max(one.run.checkpoint_steps(), default=0)
                self._last_word(f"{one.label}: killed {why}; the checkpoint of step {kept} is its last")
        self._waiting, self._training = [*self._training, *self._waiting], []

    def _last_word(self, line: str) -> None:
        with contextlib.suppress(OSError):  # a reader that left must not keep runs from being ended
            self._board.say(line)
