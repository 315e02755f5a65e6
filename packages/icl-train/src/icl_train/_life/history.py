"""When a run was started and went on: a line in config.json each time."""

from __future__ import annotations

import platform
import time

from icl_train._making.environment import device_name, installed_versions
from icl_train._runs.folder import RUN_FORMAT, RunFolder

__all__ = ["record_start"]


def record_start(run: RunFolder, *, step: int, device: str, engine: str, processes: int, threads: int) -> None:
    """Write down that the run is trained from now on, and thereby that its folder has the newest format.

    What else is in a folder of format 1 must have been rewritten before.

    Args:
        run: the run.
        step: updates that it has done.
        device: where it is trained.
        engine: how its updates are made.
        processes: how many make them together.
        threads: CPU threads of each.
    """
    start = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "from_step": step,
        "max_steps": run.config.train.max_steps,
        "device": device,
        "hardware": device_name(device),
        "engine": engine,
        "processes": processes,
        "threads": threads,
        "host": platform.node(),
        "python": platform.python_version(),
        "versions": installed_versions(),
    }
    run.rewrite(starts=(*RunFolder.open(run.path).starts, start), run_format=RUN_FORMAT)
