"""The parts of an update one after the other, in the eager engine, which is made of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch

from icl_train._computing.precision import computing
from icl_train._computing.saved import saved_bytes
from icl_train._engines.eager import Eager
from icl_train._intervening.interventions import Interventions
from icl_train._intervening.others import load_others
from icl_train._making.others import find_other
from icl_train._profile.clock import Clock
from icl_train._profile.memory import Memory, peak_of_process, size_of
from icl_train._profile.products import Product, Recorder
from icl_train._task import Task
from icl_train.config import RunConfig

__all__ = ["PARTS", "Update", "measure_update"]

PARTS = ("draw", "look up", "forward", "backward", "optimise", "metrics")
_WARM_UP = 3


@dataclass(frozen=True, kw_only=True)
class Update:
    """What was measured of an update in the eager engine.

    Attributes:
        parts: name, one of PARTS → seconds.
        products: what is multiplied in the forward and the backward pass, those first that take longest.
        operations: additions and multiplications in them.
        memory: what is kept.
    """

    parts: dict[str, float]
    products: tuple[Product, ...]
    operations: int
    memory: Memory


def measure_update(config: RunConfig, device: torch.device, *, threads: int, steps: int) -> Update:
    """Make some updates part by part.

    Args:
        config: the run's settings.
        device: where.
        threads: CPU threads.
        steps: how many are timed; the medians count.

    Raises:
        ValueError: if its data or model cannot be had.
        OSError: if the files of another run, which an intervention names, cannot be read.
    """
    with _engine(config, device, threads) as engine:
        clock = Clock(device)
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        for step in range(1, _WARM_UP + steps + 1):
            if step == _WARM_UP + 1:
                clock.seconds.clear()
            _update(engine, step, clock)
        on_device = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
        peak = peak_of_process() if on_device is None else on_device
        products, operations = _products(engine)
        return Update(
            parts={name: clock.median(name) for name in PARTS},
            products=tuple(products),
            operations=operations,
            memory=_memory(engine, peak),
        )


def _update(engine: Eager, step: int, clock: Clock) -> None:
    engine.seed_dropout(step)
    batch = clock("draw", lambda: engine.sampler(step))
    examples, labels = clock("look up", lambda: engine.look_up(batch, step))
    found = clock("forward", lambda: engine.forward(examples, labels, step))
    clock("backward", lambda: engine.backward(found[0]))
    clock("optimise", lambda: engine.optimise(step))
    clock("metrics", lambda: engine.add_up(found, labels))


def _products(engine: Eager) -> tuple[list[Product], int]:
    examples, labels = engine.look_up(engine.sampler(1), 1)
    with Recorder() as recorder:
        engine.backward(engine.forward(examples, labels, 1)[0])
    return recorder.timed(engine.device), recorder.operations


def _memory(engine: Eager, peak: int | None) -> Memory:
    examples, labels = engine.look_up(engine.sampler(1), 1)
    parameters = list(engine.model.parameters())
    return Memory(
        parameters=size_of(parameters),
        gradients=size_of(one.grad for one in parameters),
        optimizer=size_of(
            one for kept in engine.optimizer.state.values() for one in kept.values() if isinstance(one, torch.Tensor)
        ),
        activations=saved_bytes(engine.model, lambda: engine.forward(examples, labels, 1)),
        peak=peak,
    )


@contextmanager
def _engine(config: RunConfig, device: torch.device, threads: int) -> Iterator[Eager]:
    """The eager engine of a run, with what is done to its model; afterwards threads and random state are as before."""
    eager = replace(config, train=replace(config.train, engine="eager"))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        devices = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices), computing(config.train.precision, device):
            engine = Eager(Task.build(eager, device=device))
            if named := config.model.intervened:
                others = load_others(named, find=find_other, model=engine.model, device=device)
                engine.interventions = Interventions(engine.model, named, others)
            yield engine
    finally:
        torch.set_num_threads(before)
