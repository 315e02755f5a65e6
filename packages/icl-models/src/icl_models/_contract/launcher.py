"""What a launcher is: something that has the runs of a sweep trained, on this machine or on others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from icl_models._contract.component import ComponentConfig, check_spec

JobStage = Literal["queued", "running", "gone"]


class LauncherError(RuntimeError):
    """A launcher cannot do, or say, what it was asked; the message is one line. Jobs stay what they are."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What one process trains.

    Args:
        name: what people see of it in a queue.
        folders: its run folders; usually one. They are on a file system that every machine has.
        command: trains them from their checkpoints, and writes checkpoints when it is sent SIGTERM, SIGUSR1 or SIGUSR2.
            It ends when its standard input does. Run folders are named in full.
        threads: CPU threads that it uses.
    """

    name: str
    folders: tuple[Path, ...]
    command: tuple[str, ...]
    threads: int


@dataclass(frozen=True, kw_only=True)
class JobState:
    """What has become of a job.

    Args:
        stage: queued, running or gone. What has become of the runs of one that is gone, their folders say.
        how: how it ended, where that is known: "with exit code 1", "by SIGKILL".
    """

    stage: JobStage
    how: str = ""


class Launcher(Protocol):
    """What `LauncherSpec.build` returns. Each call may raise `LauncherError`."""

    def submit(self, jobs: Sequence[Job]) -> Sequence[str]:
        """Have jobs trained.

        Args:
            jobs: at least one.

        Returns:
            For each job, by what it is asked after, later and by other processes as well.
        """

    def states(self, ids: Sequence[str]) -> Sequence[JobState]:
        """What has become of jobs, one for each; of those that it does not know, that they are gone.

        Args:
            ids: as `submit` returned them, perhaps in an earlier process.
        """

    def end(self, ids: Sequence[str], *, at_once: bool) -> None:
        """End jobs. What is gone already is left alone.

        Args:
            ids: as `submit` returned them.
            at_once: kill them; otherwise their runs are to write checkpoints first, and nobody waits for that here.
        """

    def close(self) -> None:
        """The sweep ends. Jobs of a launcher that `outlives` go on."""


def _accept_any(own: Any) -> None:
    """The default `check`: no rule of its own."""


def _as_made(own: Any) -> int | None:
    """The default `threads`."""
    return None


@dataclass(frozen=True, kw_only=True)
class LauncherSpec:
    """A launcher, as `icl_register_launchers` returns it.

    Args:
        name: how `icl-train sweep --launcher` asks for it.
        build: `build(own_config, jobs)` returns a `Launcher` that has at most `jobs` jobs running at a time, if that is
            not None and it `outlives`; of others, a sweep starts no more itself.
        config: the class of its own settings.
        check: raises ValueError for settings it cannot work with; called before any run is made.
        threads: `threads(own_config)`: CPU threads that a new run is made for; None for all of the machine that trains
            it.
        here: whether jobs run on this machine: devices and models are then checked, and cores shared out, before.
        outlives: whether its jobs go on when the sweep ends. It is handed all of them at once.
        asked: whether it can be asked after its jobs; if not, a sweep ends when they are handed over.
    """

    name: str
    build: Callable[[Any, int | None], Launcher]
    config: type[ComponentConfig] = ComponentConfig
    check: Callable[[Any], None] = _accept_any
    threads: Callable[[Any], int | None] = _as_made
    here: bool = False
    outlives: bool = False
    asked: bool = True

    def __post_init__(self) -> None:
        check_spec(self.name, self.config)
