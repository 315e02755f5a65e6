"""Training in a process that is not the run's first: its updates alone, and nothing of the folder."""

from __future__ import annotations

from typing import Any

import torch

from icl_train._computing.launch import threads_here
from icl_train._computing.precision import computing
from icl_train._distributed.parted import Parted
from icl_train._distributed.processes import Processes
from icl_train._engines.beginning import Beginning
from icl_train._engines.choose import build_engine
from icl_train._engines.eager import Eager
from icl_train._engines.updates import Diverged, Updates
from icl_train._intervening.intervene import interventions_of
from icl_train._life.failure import failure_of
from icl_train._runs.folder import RunFailed, RunFolder, available_cores
from icl_train._task import Task

__all__ = ["follow"]


def follow(run: RunFolder, processes: Processes) -> None:
    """Train ``run`` with its first process, which is in `icl_train._loop.train`, to its last step.

    Args:
        run: the run as the first process knows it; its folder need not be here, unless its interventions name others.
        processes: this one and the others.

    Raises:
        ValueError: if its device, data or model cannot be had here.
        RunFailed: for what fails here.
        SystemExit: for what fails everywhere, as the first process says: the loss is no longer a number.
        KeyboardInterrupt: if any process was asked for an end.
        Parted: if another process is gone.
    """
    described: dict[str, Any] | None = processes.from_first(None)
    if described is None:  # somebody else has trained it to its end
        return
    device = processes.device(run.config.train.device)
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(cuda), computing(run.config.train.precision, device):
        given = run.config.train.threads is not None
        torch.set_num_threads(threads_here(run.threads, cores=available_cores(), are_given=given))
        task = Task.build(run.config, device=device)
        if task.data.described() != described:
            raise RunFailed("data.source must be the same for all processes, got other classes or examples here")
        engine = build_engine(task, processes)
        processes.wait()
        try:
            _follow(run, engine, processes)
        except Parted:
            raise
        except Diverged as error:  # the first process says it
            raise SystemExit(1) from error
        except Exception as error:
            raise failure_of(run.path, error) from error
        finally:
            engine.close()


def _follow(run: RunFolder, engine: Eager, processes: Processes) -> None:
    engine.interventions = interventions_of(run, engine.model)
    beginning: Beginning | None = processes.from_first(None)
    assert beginning is not None
    beginning.put_into(engine)
    updates = Updates(run.config, engine, processes)
    updates.begin(beginning.step, is_new=beginning.is_new)
    updates.go_through()
