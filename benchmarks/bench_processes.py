"""What several processes are worth for one run: an update of the paper's model in one process, beside one of all.

torchrun --nproc-per-node 2 benchmarks/bench_processes.py

Measured alternately in one run, one thread for each process, and printed as ratios (medians of pairs, with the least
and the largest): how many times as fast all processes are as one that takes the whole batch, and how long an update
with torch's DistributedDataParallel takes beside ours, which sends all gradients at once when they are there.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch.nn.parallel import DistributedDataParallel

from icl_data import ArraySource
from icl_models import ResNetConfig
from icl_train import RunConfig, Task, chan2022, resolve_device
from icl_train._computing.launch import launched
from icl_train._distributed.alone import Alone
from icl_train._distributed.joined import joined
from icl_train._engines.distributed import Distributed
from icl_train._engines.eager import Eager

ROUNDS, SECONDS = 7, 0.4


class Library(Distributed):
    """As ours, with gradients averaged by torch's own module."""

    def __init__(self, task: Task, processes: Alone) -> None:
        super().__init__(task, processes)
        self.call = DistributedDataParallel(self.model, broadcast_buffers=False)

    def _differentiate(self, loss: torch.Tensor) -> None:
        Eager._differentiate(self, loss)


def images() -> ArraySource:
    """110 classes of 20 random 28 x 28 images."""
    return ArraySource(np.random.default_rng(0).random((110, 20, 28, 28), dtype=np.float32))


def configs() -> dict[str, RunConfig]:
    """The paper's model on symbols, and on small images with statistics of the whole batch and of groups."""
    config = replace(chan2022(), train=replace(chan2022().train, engine="eager", threads=1))
    symbols = replace(config.data, source="symbolic", omniglot=None, n_rare_classes=1590, n_holdout_classes=10)
    shown = replace(
        config, data=replace(config.data, source="bench_processes:images", omniglot=None, n_rare_classes=90)
    )
    grouped = replace(shown.model, embedder_config=ResNetConfig(sequences_per_statistics=2))
    return {
        "symbols": replace(
            config, data=symbols, model=replace(config.model, embedder="embedding", embedder_config=None)
        ),
        "images of 28 x 28": shown,
        "the same, statistics of 2 sequences": replace(shown, model=grouped),
    }


def updates_of(engine: Eager) -> Callable[[], None]:
    """A function that makes the next update."""
    steps = itertools.count(1)
    return lambda: engine.update(next(steps))


def seconds(call: Callable[[], None], calls: int, processes: Alone) -> float:
    """Of a call, from when all processes are there until all are done."""
    processes.wait()
    start = time.perf_counter()
    for _ in range(calls):
        call()
    processes.wait()
    return (time.perf_counter() - start) / calls


def shown(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def measure(name: str, config: RunConfig, processes: Alone) -> None:
    """Print one model's ratios, in the first process."""
    device = resolve_device("cpu")
    ours, library = (updates_of(kind(Task.build(config, device=device), processes)) for kind in (Distributed, Library))
    whole = updates_of(Eager(Task.build(config, device=device)))
    alone = whole if processes.rank == 0 else lambda: None
    for call in (ours, library, alone):
        call()
    calls = processes.least(max(1, round(SECONDS / seconds(ours, 2, processes))))
    gains, beside = [], []
    for _ in range(ROUNDS):
        together = seconds(ours, calls, processes)
        gains.append(seconds(alone, max(1, calls // 2), processes) / together)
        beside.append(seconds(library, calls, processes) / together)
    if processes.rank == 0:
        print(f"{name}: {processes.size} processes are {shown(gains)} times as fast as one", flush=True)
        print(f"{name}: with DistributedDataParallel an update takes {shown(beside)} times as long", flush=True)


def main() -> None:
    torch.set_num_threads(1)
    launch = launched()
    if launch is None:
        raise SystemExit("start this with: torchrun --nproc-per-node 2 benchmarks/bench_processes.py")
    with joined(launch) as processes:
        for name, config in configs().items():
            measure(name, config, processes)


if __name__ == "__main__":
    main()
