"""The launchers that icl-train has, registered as a plugin would register its own.

The libraries of clusters are imported when one of them is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from icl_data.foundation.extras import require_extra
from icl_models import LauncherSpec, hookimpl
from icl_train._launchers.commands import CommandsLauncher
from icl_train._launchers.local import LocalLauncher
from icl_train._launchers.settings import RayConfig, SlurmConfig

if TYPE_CHECKING:
    from icl_models import Launcher


def _build_slurm(own: SlurmConfig, jobs: int | None) -> Launcher:
    from icl_train._launchers.slurm import SlurmLauncher

    return SlurmLauncher(own, jobs)


def _build_ray(own: RayConfig, jobs: int | None) -> Launcher:
    from icl_train._launchers.ray_cluster import RayLauncher

    return RayLauncher(own, jobs)


def _check_slurm(own: SlurmConfig) -> None:
    require_extra("submitit", "icl-train[slurm]", "launcher 'slurm'")
    from icl_train._launchers.slurm import require_commands

    require_commands()


def _check_ray(own: RayConfig) -> None:
    require_extra("ray", "icl-train[ray]", "launcher 'ray'")


def _slurm_threads(own: SlurmConfig) -> int:
    return own.cpus


def _ray_threads(own: RayConfig) -> int:
    return own.cpus


@hookimpl
def icl_register_launchers() -> list[LauncherSpec]:
    return [
        LauncherSpec(name="local", build=LocalLauncher, here=True),
        LauncherSpec(name="commands", build=CommandsLauncher, outlives=True, asked=False),
        LauncherSpec(
            name="slurm",
            build=_build_slurm,
            config=SlurmConfig,
            check=_check_slurm,
            threads=_slurm_threads,
            outlives=True,
        ),
        LauncherSpec(name="ray", build=_build_ray, config=RayConfig, check=_check_ray, threads=_ray_threads),
    ]


__all__ = ["icl_register_launchers"]
