"""One run of a sweep, and what is told of it."""

from __future__ import annotations

import time

from rich.progress import TaskID

from icl_train._launchers.child import LOG
from icl_train._runs.folder import RunFolder
from icl_train._runs.progress import headline_line
from icl_train._sweeps.board import Board
from icl_train._watching.view import RunView

__all__ = ["Watched"]

_QUIET_MINUTES = 5


class Watched:
    """A run in another process, seen through its folder.

    Attributes:
        run: the run.
        label: what it is called on screen.
        view: what its folder says.
        job: by what the launcher knows the job that trains it, if there is one.
        log: where what trains it writes what it prints.
        done: updates that its newest checkpoint has, when last started.
    """

    def __init__(self, run: RunFolder, label: str, board: Board) -> None:
        self.run, self.label, self._board = run, label, board
        self.view = RunView(run)
        self.job: str | None = None
        self.log = run.path / LOG
        self.done = max(run.checkpoint_steps(), default=0)
        self._bar: TaskID | None = None
        self._told = -1
        self._seen: object = None
        self._heard, self._silence_told = time.monotonic(), False
        self._gone_since: float | None = None

    @property
    def silent_minutes(self) -> float:
        """For how long nothing has come from whoever trains it: no sign of life, no record, nor that it was started."""
        return (time.monotonic() - self._heard) / 60

    def say(self, what: str) -> None:
        """Print a line about the run."""
        self._board.say(f"{self.label}: {what}")

    def begin(self, what: str) -> None:
        """Say that it is trained from here on; what was measured before is not told again."""
        self._board.remove(self._bar)
        self.say(what)
        self.done = max(self.run.checkpoint_steps(), default=0)
        self.view.look()
        self._told = max((step for step, _, _ in self.view.scores.values()), default=-1)
        self._bar = self._board.add(self.label, self.view)
        self._gone_since = None
        self._listen(anew=True)

    def gone_for(self, *, gone: bool) -> float:
        """For how many seconds its job has been gone, asked again and again.

        Args:
            gone: whether it is now.
        """
        if not gone:
            self._gone_since = None
            return 0.0
        self._gone_since = self._gone_since or time.monotonic()
        return time.monotonic() - self._gone_since

    def look(self, *, queued: bool = False) -> None:
        """Show what was written since the last look.

        Args:
            queued: whether it waits for a machine, so that nothing can be expected.
        """
        everything = self.view.look()
        records = [record for record in everything if record["split"] != "train"]
        self._listen(anew=bool(everything) or queued)
        self._board.move(self._bar, self.view, quiet=self._silence_told)
        for step in sorted({record["step"] for record in records if record["step"] > self._told}):
            self._told = step
            if line := headline_line([record for record in records if record["step"] == step]):
                self.say(line)

    def _listen(self, *, anew: bool) -> None:
        """Note whether it has given a sign of life; say once for each silence that there is none."""
        beat = self.view.beat
        sign = (beat.time, beat.step) if beat else None
        if anew or sign != self._seen:
            self._seen, self._heard, self._silence_told = sign, time.monotonic(), False
        elif self.silent_minutes > _QUIET_MINUTES and not self._silence_told:
            self._silence_told = True
            self.say(f"no update for {_QUIET_MINUTES} minutes, at step {self.view.step}")

    def end(self, what: str) -> None:
        """Say how it ended."""
        self._board.remove(self._bar)
        self._bar = None
        self.say(what)
