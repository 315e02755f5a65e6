"""How an update grows from 100 to 12,800 classes, apart from the readout's own product, and which part of it grows.

    python benchmarks/bench_growth.py

CPU time on one thread; both sizes take turns in one process, so that the machine's other work meets both. The readout's
product is the model's last layer at the query: B x E times E x C, and the two products of its backward pass.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from icl_train import RunConfig, Task, chan2022, laptop, resolve_device
from icl_train._commands.allocator import keep_freed_memory
from icl_train._engines.eager import Eager

T = TypeVar("T")

FEW, MANY = 100, 12_800
ROUNDS, UPDATES = 15, 4
PARTS = ("draw", "look up", "forward", "backward", "optimise", "add up")


def symbolic(classes: int, layers: int = 12) -> RunConfig:
    """The paper's model on symbolic examples: a label, an example's vector and a readout row for each class."""
    base = chan2022()
    data = replace(base.data, source="symbolic", n_rare_classes=classes - base.data.n_common_classes)
    return replace(
        base, data=data, model=replace(base.model, embedder="embedding", embedder_config=None, num_layers=layers)
    )


def shared_labels(classes: int) -> RunConfig:
    """The laptop preset, whose classes share 32 labels."""
    base = laptop()
    return replace(base, data=replace(base.data, n_rare_classes=classes - base.data.n_common_classes))


class Timed:
    """An engine whose parts are timed."""

    def __init__(self, config: RunConfig) -> None:
        self.engine = Eager(Task.build(config, device=resolve_device("cpu")))
        self.steps = itertools.count(1)
        batch, model = config.train.batch_size, self.engine.model.config
        self.rows = torch.randn(batch, model.emb_dim, requires_grad=True)
        self.weights = torch.randn(model.num_classes, model.emb_dim, requires_grad=True)
        self.out = torch.randn(batch, model.num_classes)
        self.parts()

    def parts(self) -> list[float]:
        """Seconds of each part of an update."""
        engine, step = self.engine, next(self.steps)
        engine.seed_dropout(step)
        clock = _Clock()
        batch = clock(lambda: engine.sampler(step))
        examples, labels = clock(lambda: engine.look_up(batch, step))
        found = clock(lambda: engine.forward(examples, labels, step))
        clock(lambda: engine.backward(found[0]))
        clock(lambda: engine.optimise(step))
        clock(lambda: engine.add_up(found, labels))
        return clock.times

    def readout(self) -> float:
        """Seconds of the readout's three products."""
        started = time.process_time()
        self.rows.grad = self.weights.grad = None
        torch.autograd.backward(self.rows @ self.weights.T, self.out)
        return time.process_time() - started


class _Clock:
    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, work: Callable[[], T]) -> T:
        started = time.process_time()
        found = work()
        self.times.append(time.process_time() - started)
        return found


def compare(title: str, kind: Callable[[int], RunConfig], *, own_readout: bool) -> None:
    """Print the growth of an update and of its parts."""
    sides = [Timed(kind(FEW)), Timed(kind(MANY))]
    rounds: list[list[list[float]]] = []
    for _ in range(ROUNDS):
        rounds.append([_means(lambda side=side: [*side.parts(), side.readout()]) for side in sides])  # type: ignore[misc]
    medians = [[statistics.median(one[side][part] for one in rounds) * 1e3 for part in range(7)] for side in (0, 1)]
    print(f"\n{title}: CPU milliseconds with {FEW} and {MANY:,} classes")
    for place, name in enumerate((*PARTS, "readout's product")):
        print(f"  {name:<18} {medians[0][place]:8.3f} {medians[1][place]:8.3f}", flush=True)
    whole = _growth(rounds, own_readout=False)
    print(f"  an update          {sum(medians[0][:6]):8.3f} {sum(medians[1][:6]):8.3f}: {whole:.2f} times as long")
    if own_readout:
        print(f"  apart from the readout's product: {_growth(rounds, own_readout=True):.2f} times as long")


def _growth(rounds: list[list[list[float]]], *, own_readout: bool) -> float:
    def seconds(parts: list[float]) -> float:
        return sum(parts[:6]) - (parts[6] if own_readout else 0.0)

    return statistics.median(seconds(many) / seconds(few) for few, many in rounds)


def _means(work: Callable[[], list[float]]) -> list[float]:
    return [statistics.mean(times) for times in zip(*(work() for _ in range(UPDATES)), strict=True)]


def compare_suspects() -> None:
    """What else grows with the classes, each by itself: a table's gradient and optimiser step, the loss, the argmax."""
    print(f"\nby themselves, CPU milliseconds with {FEW} and {MANY:,} rows of 64")

    def tables(rows: int) -> dict[str, Callable[[], object]]:
        weight = torch.nn.Parameter(torch.randn(rows, 64))
        table = torch.nn.Embedding(rows, 64)
        optimizer = torch.optim.AdamW([weight], lr=0.0, fused=True)
        weight.grad = torch.randn(rows, 64)
        index = torch.randint(rows, (32, 8))
        out = torch.randn(32, 8, 64)
        logits = torch.randn(32, rows, requires_grad=True)

        def loss() -> None:
            torch.autograd.backward(torch.nn.functional.cross_entropy(logits, index[:, 0]))
            logits.grad = None

        def gradient() -> None:
            table.weight.grad = None
            torch.autograd.backward(table(index), out)

        def argmax() -> Tensor:
            return logits.detach().argmax(-1)

        return {"AdamW on a table": optimizer.step, "a table's gradient": gradient, "the loss": loss, "argmax": argmax}

    few, many = tables(FEW), tables(MANY)
    for name in few:
        pairs = [[statistics.median(_cpu(side[name]) for _ in range(15)) * 1e3] for side in (few, many)]
        print(f"  {name:<18} {pairs[0][0]:8.3f} {pairs[1][0]:8.3f}", flush=True)


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    torch.set_num_threads(1)
    keep_freed_memory()  # as training does
    compare("symbolic", symbolic, own_readout=True)
    compare("symbolic, 2 layers", partial(symbolic, layers=2), own_readout=True)
    compare("laptop, 32 shared labels", shared_labels, own_readout=False)
    compare_suspects()
