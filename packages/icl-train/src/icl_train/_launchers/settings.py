"""The own settings of the launchers that hand runs to a cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass

from icl_models import ComponentConfig

__all__ = ["RayConfig", "SlurmConfig"]

_MINUTES_A_DAY = 24 * 60
_LEAST_MEMORY = 1 / 1024  # of none, or of 0 MB, Slurm gives all that the node has
_TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<first>\d+)(?::(?P<second>\d+))?(?::(?P<third>\d+))?")
# What the sbatch script that submitit writes says itself, and other settings do.
_SAID_ELSEWHERE = ("array", "job-name", "time", "partition", "cpus-per-task", "gpus-per-node", "signal", "requeue")


@dataclass(frozen=True, kw_only=True)
class SlurmConfig(ComponentConfig):
    """What a job asks of Slurm."""

    partition: str | None = None
    """Partition; default: the cluster's own."""
    time: str = "12:00:00"
    """Longest time of a job, as sbatch has it: minutes, H:M:S or D-H:M:S. A run that needs more is requeued."""
    cpus: int = 1
    """CPUs of a job, and threads of a run that is new."""
    gpus: int = 0
    """GPUs of a job."""
    memory: float | None = None
    """Memory of a job in GB; default: the cluster's own."""
    sbatch: tuple[str, ...] = ()
    """Further options of sbatch, such as account=lab qos=low."""
    setup: tuple[str, ...] = ()
    """Lines of shell before the training, such as "module load cuda"."""
    grace: int = 90
    """Seconds before its end at which a job is told of it, for a checkpoint."""
    folder: str | None = None
    """Folder for submitit's own files; default: .submitit beside the run folders."""

    def __post_init__(self) -> None:
        _at_least("cpus", self.cpus, 1)
        _at_least("gpus", self.gpus, 0)
        _at_least("grace", self.grace, 1)
        if self.memory is not None and not _LEAST_MEMORY <= self.memory < 1e6:
            raise ValueError(f"memory must be GB, at least 1 MB ({_LEAST_MEMORY:g}), got {self.memory}")
        if self.grace >= 60 * self.minutes:
            raise ValueError(f"grace must be shorter than time ({self.time}), got {self.grace} seconds")
        for name in self.options:
            if name in _SAID_ELSEWHERE:
                raise ValueError(f"sbatch must have options that no other setting is for, got {name}")

    @property
    def minutes(self) -> int:
        """The longest time in whole minutes."""
        found = _TIME.fullmatch(self.time.strip())
        if found is None:
            raise ValueError(f"time must be minutes, H:M:S or D-H:M:S, got {self.time!r}")
        first, second, third = (int(found[name] or 0) for name in ("first", "second", "third"))
        if max(second, third) >= 60:
            raise ValueError(f"time must have minutes and seconds below 60 behind a colon, got {self.time!r}")
        if found["days"] is not None:
            minutes = int(found["days"]) * _MINUTES_A_DAY + first * 60 + second + third / 60
        elif found["third"] is not None:
            minutes = first * 60 + second + third / 60
        else:
            minutes = first + second / 60
        if minutes < 1:
            raise ValueError(f"time must be at least a minute, got {self.time!r}")
        return int(minutes)

    @property
    def options(self) -> dict[str, str | bool]:
        """Further options of sbatch, by name without dashes; True for one without a value."""
        found: dict[str, str | bool] = {}
        for text in self.sbatch:
            name, equals, value = text.partition("=")
            name = name.strip().lstrip("-").replace("_", "-")
            if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
                raise ValueError(f"sbatch must be options such as account=lab, got {text!r}")
            found[name] = value if equals else True
        return found


@dataclass(frozen=True, kw_only=True)
class RayConfig(ComponentConfig):
    """What a job asks of a Ray cluster."""

    address: str = "auto"
    """The cluster: auto (the one that runs here, or RAY_ADDRESS), HOST:PORT, or local for one of this machine alone."""
    cpus: int = 1
    """CPUs of a job, and threads of a run that is new."""
    gpus: float = 0.0
    """GPUs of a job; 0.25 has four share one."""
    retries: int = 10
    """How often a run goes on, on another node, when its own is lost."""
    resources: tuple[str, ...] = ()
    """Further resources of a job, such as big-memory=1."""

    def __post_init__(self) -> None:
        _at_least("cpus", self.cpus, 1)
        _at_least("retries", self.retries, 0)
        if not 0 <= self.gpus < 1e4:
            raise ValueError(f"gpus must be at least 0, got {self.gpus}")
        if self.address not in ("auto", "local") and not re.fullmatch(r"[^/\s]+:\d{1,5}", self.address):
            raise ValueError(f"address must be auto, local or HOST:PORT, got {self.address!r}")
        _ = self.needs

    @property
    def needs(self) -> dict[str, float]:
        """Further resources by name."""
        found: dict[str, float] = {}
        for text in self.resources:
            name, equals, amount = text.partition("=")
            try:
                found[name] = float(amount) if name and equals else -1.0
            except ValueError:
                found[name] = -1.0
            if not 0 < found[name] < 1e9:
                raise ValueError(f"resources must be amounts such as big-memory=1, got {text!r}")
        return found


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
