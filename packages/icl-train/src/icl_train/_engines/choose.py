"""Which engine a name means on a device, for a run."""

from __future__ import annotations

import torch

from icl_models import check_ensemble
from icl_train._distributed.alone import Alone
from icl_train._engines.compiled import Compiled
from icl_train._engines.distributed import Distributed
from icl_train._engines.eager import Eager
from icl_train._engines.fused import Fused, why_not_fused
from icl_train._engines.graph import Graph
from icl_train._task import Task
from icl_train.config import EngineName, RunConfig

__all__ = ["build_engine", "engine_for"]


def engine_for(config: RunConfig, device: torch.device, processes: int = 1) -> EngineName:
    """The name of the engine that a run is trained with: its own, or the quickest that there is for ``auto``.

    Args:
        config: the run's settings.
        device: where it is trained.
        processes: how many train it.

    Raises:
        ValueError: for an engine that this device, or a run with interventions, cannot have.
    """
    name, intervened = config.train.engine, bool(config.model.interventions)
    if name == "auto":
        return "graph" if device.type == "cuda" and not intervened and processes == 1 else "eager"
    if name == "ensemble":
        check_ensemble(config.model.embedder, config.model.sequence_model)
        if processes > 1:
            raise ValueError(f"train.engine must be one of auto, eager, compiled in {processes} processes, got {name}")
    if name != "eager" and intervened:
        raise ValueError(f"train.engine must be eager for a run with model.interventions, got {name}")
    if name in ("graph", "fused") and device.type != "cuda":
        raise ValueError(f"train.engine must be one of auto, eager, compiled, ensemble on a {device.type}, got {name}")
    if name == "fused" and (why := why_not_fused(device)) is not None:
        raise ValueError(f"train.engine must be another one where {why}, got fused")
    return name


def build_engine(task: Task, processes: Alone) -> Eager:
    """A run's model and optimiser in the engine that trains them.

    Args:
        task: the run's data on its device.
        processes: this one and those that train the run with it.

    Raises:
        ValueError: as `engine_for`, and for a model that several processes cannot train.
    """
    name = engine_for(task.config, task.bank.device, processes.size)
    if processes.size > 1:
        return Distributed(task, processes, compiled=name == "compiled")
    if name == "ensemble":  # of which this is the only one
        name = "graph" if task.bank.device.type == "cuda" else "eager"
    if name == "eager":
        return Eager(task)
    if name == "compiled":
        return Compiled(task)
    return Fused(task) if name == "fused" else Graph(task)
