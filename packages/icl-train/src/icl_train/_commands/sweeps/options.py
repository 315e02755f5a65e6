"""The options that every sweep has, whatever it sweeps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from icl_models import ComponentConfig, find_launcher
from icl_train._runs.interrupt import GRACE_SECONDS
from icl_train.command_line import given

__all__ = ["EXIT_CODES", "SweepOptions", "launcher_default"]

EXIT_CODES = (
    ("0", "all runs are done"),
    ("1", "some failed, and their reasons are the last lines"),
    ("2", "a mistake in the command, nothing was made"),
    ("3", "with --no-follow: other processes, or jobs, still train some"),
    ("130", "interrupted, each run with a checkpoint"),
)


@dataclass(frozen=True, kw_only=True)
class SweepOptions:
    """Where the runs of a sweep are made, and how they are trained."""

    root: Path = Path("runs")
    """Folder that the run folders are made in."""
    jobs: int | None = None
    """Runs at a time; default: one per core on the CPU, one on a GPU. An ensemble counts as one."""
    members: int | None = None
    """Runs of an ensemble at most (--engine ensemble); default: all that have one shape."""
    launcher: str = "local"
    """Who trains: local, slurm, ray, commands, or a plugin's; local is this machine, and commands prints one for each
    run, for any other scheduler. Away from here, device and model are checked where a run is trained."""
    launcher_config: Annotated[ComponentConfig | None, tyro.conf.AvoidSubcommands] = None
    """Settings of that launcher alone."""
    follow: bool = True
    """Follow runs that other processes train to their end, and take over what those leave; with slurm, stay until the
    jobs are over, which go on in any case."""
    grace: float = GRACE_SECONDS
    """Seconds for a checkpoint when the sweep is interrupted; a run that has not ended by then is killed."""
    stall_minutes: float | None = None
    """End a run, as failed, that gives no sign of life for so many minutes, evaluations included; default: none."""
    dry_run: bool = False
    """List the runs and how long they take here; nothing is made, and nothing trained."""

    def __post_init__(self) -> None:
        config = find_launcher(self.launcher).config
        if self.launcher_config is not None and type(self.launcher_config) is not config:
            raise ValueError(
                f"launcher_config must be {config.__name__} for {self.launcher!r}, got {self.launcher_config}"
            )
        if self.launcher_config is None:
            object.__setattr__(self, "launcher_config", config())
        for name in ("jobs", "members"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise ValueError(f"{name} must be at least 1, got {count}")
        if not 0 <= self.grace < math.inf:
            raise ValueError(f"grace must be a number of seconds, at least 0, got {self.grace}")
        if self.stall_minutes is not None and not 0 < self.stall_minutes < math.inf:
            raise ValueError(f"stall-minutes must be a number of minutes, more than 0, got {self.stall_minutes}")


def launcher_default(args: Sequence[str]) -> dict[str, Any]:
    """The launcher that options name, with the defaults of its own settings: which options there are hangs on it.

    Args:
        args: the options.

    Raises:
        ValueError: if there is no such launcher.
    """
    name = given(args, "--launcher") or SweepOptions.launcher
    return {"launcher": name, "launcher_config": find_launcher(name).config()}
