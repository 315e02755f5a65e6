"""The profile of a run: the parts of its update, what they reach of the machine, and how long it all takes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from icl_train._computing.device import resolve_device
from icl_train._computing.precision import computing
from icl_train._engines.choose import engine_for
from icl_train._estimate.work import Times, Work
from icl_train._interventions.text import intervention_text
from icl_train._making.environment import device_name
from icl_train._profile.ceilings import Ceilings, measure_ceilings
from icl_train._profile.parts import Update, measure_update
from icl_train._profile.trial import time_runs
from icl_train.config import RunConfig

__all__ = ["Profile", "at_its_busiest", "measure"]


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Where the time of a run goes.

    Attributes:
        config: its settings.
        device, engine: on what, and how, it is trained.
        on_cuda: whether that is a CUDA device.
        threads: of the CPU.
        update: the parts of an update in the eager engine, its products and its memory.
        times: of the run's pieces in its own engine, as the training loop makes them.
        ceilings: what the machine can do at most.
        work: what the run consists of.
    """

    config: RunConfig
    device: str
    on_cuda: bool
    engine: str
    threads: int
    update: Update
    times: Times
    ceilings: Ceilings
    work: Work

    @property
    def seconds(self) -> float:
        """Of the whole run."""
        return self.times.from_the_start(self.work)

    @property
    def operations_per_second(self) -> float:
        """That an update of the run's own engine reaches, of its products alone."""
        return self.update.operations / self.times.update

    @property
    def bytes_per_second(self) -> float:
        """That it moves at least, see `Memory`."""
        return self.update.memory.moved / self.times.update

    @property
    def product_seconds(self) -> float:
        """What the products of an update take by themselves, one after the other."""
        return sum(one.count * one.seconds for one in self.update.products)

    def to_dict(self) -> dict[str, Any]:
        """Plain containers, for programs."""
        products = [asdict(one) | {"operations_per_second": one.rate} for one in self.update.products]
        return {
            "device": self.device,
            "engine": self.engine,
            "threads": self.threads,
            "torch": torch.__version__,
            "parts": self.update.parts,
            "times": asdict(self.times),
            "work": asdict(self.work),
            "seconds": self.seconds,
            "operations": self.update.operations,
            "bytes": self.update.memory.moved,
            "operations_per_second": self.operations_per_second,
            "bytes_per_second": self.bytes_per_second,
            "ceilings": asdict(self.ceilings),
            "product_seconds": self.product_seconds,
            "products": products,
            "memory": asdict(self.update.memory),
            "config": self.config.to_dict(),
        }


def measure(config: RunConfig, *, threads: int, steps: int) -> Profile:
    """Measure a run on this machine; nothing of it is kept.

    Args:
        config: its settings.
        threads: CPU threads.
        steps: updates whose parts are timed.

    Raises:
        RunFailed: if it cannot be trained.
        ValueError: if its data, device or model cannot be had.
        OSError: if the files of another run, which an intervention names, cannot be read.
    """
    device = resolve_device(config.train.device)
    busiest = at_its_busiest(config)
    update = measure_update(busiest, device, threads=threads, steps=steps)
    before = torch.get_num_threads()
    try:
        times = time_runs([busiest], device=str(device), threads=threads)
        torch.set_num_threads(threads)
        with computing(config.train.precision, device):
            ceilings = measure_ceilings(device, config.train.precision)
    finally:
        torch.set_num_threads(before)
    return Profile(
        config=config,
        device=device_name(str(device)),
        on_cuda=device.type == "cuda",
        engine=engine_for(config, device),
        threads=threads,
        update=update,
        times=times,
        ceilings=ceilings,
        work=Work.left_of(config),
    )


def at_its_busiest(config: RunConfig) -> RunConfig:
    """The same run with those interventions from its first update to its last that act where the most of them do.

    Args:
        config: its settings.
    """
    named = config.model.intervened
    if not named:
        return config
    starts = [one.start + 1 for one in named]
    busiest = max(([one for one in named if one.acts(step)] for step in starts), key=len)
    texts = tuple(intervention_text(replace(one, start=0, stop=None)) for one in busiest)
    return replace(config, model=replace(config.model, interventions=texts))
