"""The launcher "local": each job is a process of this one, and ends with it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from icl_data.foundation.paths import describe
from icl_models import ComponentConfig, Job, JobState, LauncherError
from icl_train._intact.errors import RunError
from icl_train._launchers.child import Child

__all__ = ["LocalLauncher"]

_SECONDS_FOR_A_KILL = 10.0


class LocalLauncher:
    """Jobs by number, as `icl_models.Launcher` has them."""

    def __init__(self, own: ComponentConfig, jobs: int | None) -> None:
        self._children: dict[str, Child] = {}
        self._numbers = itertools.count()

    def submit(self, jobs: Sequence[Job]) -> list[str]:
        """Start a process for each.

        Raises:
            LauncherError: one cannot be started; those before it are.
        """
        return [self._started(job) for job in jobs]

    def states(self, ids: Sequence[str]) -> list[JobState]:
        """Which processes live, and how the others ended."""
        return [self._state(number) for number in ids]

    def end(self, ids: Sequence[str], *, at_once: bool) -> None:
        """Pass the wish on; what is killed is gone on return."""
        children = [self._children[number] for number in ids if number in self._children]
        for child in children:
            if child.ended() is None:
                child.kill() if at_once else child.terminate()
        for child in children if at_once else ():
            child.wait(_SECONDS_FOR_A_KILL)

    def close(self) -> None:
        """Forget them: the sweep has ended them before."""
        self._children.clear()

    def _started(self, job: Job) -> str:
        number = str(next(self._numbers))
        try:
            self._children[number] = Child(job)
        except OSError as error:
            raise LauncherError(describe(error)) from error
        except RunError as error:
            raise LauncherError(str(error)) from error
        return number

    def _state(self, number: str) -> JobState:
        child = self._children.get(number)
        if child is None:
            return JobState(stage="gone")
        how = child.ended()
        return JobState(stage="running") if how is None else JobState(stage="gone", how=how)
