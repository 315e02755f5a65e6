"""The launcher "ray": a task of a Ray cluster for each job; on a lost node's runs another node goes on."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Sequence
from typing import Any

from icl_data.foundation.extras import import_extra
from icl_data.foundation.printable import one_line
from icl_models import Job, JobState, LauncherError
from icl_train._launchers.process import JobProcess
from icl_train._launchers.settings import RayConfig
from icl_train._watching.job import read_job

__all__ = ["RayLauncher"]

_SECONDS_TO_ANSWER = 10.0


class RayLauncher:
    """Jobs by the number of their task, as `icl_models.Launcher` has them. They end with this process.

    Args:
        own: settings.
        jobs: not asked for: the sweep starts no more.
    """

    def __init__(self, own: RayConfig, jobs: int | None) -> None:
        self._own = own
        self._ray: Any = None
        self._tasks: dict[str, tuple[Any, Job]] = {}

    def submit(self, jobs: Sequence[Job]) -> list[str]:
        """Start a task for each, which waits for its resources.

        Raises:
            LauncherError: there is no such cluster, or it has no node that could ever take a job.
        """
        ray, own = self._connected(), self._own
        self._require_room(ray, jobs)
        ids = []
        for job in jobs:
            task = ray.remote(_train).options(
                name=job.name,
                num_cpus=max(own.cpus, job.threads),
                num_gpus=own.gpus,
                resources=own.needs or None,
                max_retries=own.retries,
            )
            reference = task.remote(job)
            ids.append(reference.hex())
            self._tasks[ids[-1]] = (reference, job)
        return ids

    def states(self, ids: Sequence[str]) -> list[JobState]:
        """What the cluster says of tasks of this process; of others, that they are gone."""
        return [self._state(number) for number in ids]

    def end(self, ids: Sequence[str], *, at_once: bool) -> None:
        """Cancel tasks: gently, so that checkpoints are written, or by killing them."""
        for reference, _ in [self._tasks[number] for number in ids if number in self._tasks]:
            try:
                self._ray.cancel(reference, force=at_once)
            except Exception as error:  # of many classes of its own; a task that is over cannot be cancelled
                raise LauncherError(one_line(f"Ray cannot cancel a job: {error}")) from error

    def close(self) -> None:
        """Leave the cluster, which goes on unless it was made here."""
        if self._ray is not None:
            self._ray.shutdown()
            self._ray = None

    def _connected(self) -> Any:
        if self._ray is None:
            ray = import_extra("ray", "icl-train[ray]", "launcher 'ray'")
            _require_answer(self._own.address)
            try:
                ray.init(
                    address=self._own.address,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    include_dashboard=False if self._own.address == "local" else None,
                )
            except Exception as error:
                raise LauncherError(one_line(f"there is no Ray cluster at {self._own.address!r}: {error}")) from error
            self._ray = ray
        return self._ray

    def _require_room(self, ray: Any, jobs: Sequence[Job]) -> None:
        """A task that no node could ever take would wait for ever, and nobody be told."""
        own = self._own
        needs = {"CPU": float(max(own.cpus, *(job.threads for job in jobs))), "GPU": own.gpus, **own.needs}
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if not any(all(node.get(name, 0.0) >= amount for name, amount in needs.items()) for node in nodes):
            asked = ", ".join(f"{amount:g} {name}" for name, amount in needs.items() if amount)
            raise LauncherError(f"no node of the Ray cluster has {asked} for a job ({len(nodes)} nodes looked at)")

    def _state(self, number: str) -> JobState:
        reference, job = self._tasks.get(number, (None, None))
        if reference is None or job is None:
            return JobState(stage="gone")
        over, _ = self._ray.wait([reference], timeout=0)
        if not over:
            note = read_job(job.folders[0])
            return JobState(stage="running" if note is not None and note.stage == "running" else "queued")
        try:
            return JobState(stage="gone", how=self._ray.get(reference))
        except Exception as error:  # what the task has raised, or the cluster in its place
            return JobState(stage="gone", how=f"at Ray: {one_line(str(error))[:200]}")


def _require_answer(address: str) -> None:
    """That somebody listens there: Ray itself would try for a quarter of an hour."""
    address = os.environ.get("RAY_ADDRESS", address) if address == "auto" else address
    host, colon, port = address.rpartition(":")
    if not colon:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS_TO_ANSWER).close()
    except (OSError, ValueError, OverflowError) as error:
        raise LauncherError(one_line(f"there is no Ray cluster at {address!r}: {error}")) from error


def _train(job: Job) -> str:
    """The task. It is a function of a module, so that a worker imports it and nothing of the sweep's."""
    import ray

    return JobProcess(job, launcher="ray", id=ray.get_runtime_context().get_task_id()).run()
