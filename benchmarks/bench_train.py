"""What the training loop's shortcuts save: pairs measured alternately in one run, printed as ratios.

python benchmarks/bench_train.py
"""

from __future__ import annotations

import itertools
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from icl_data import ArraySource
from icl_train import Evaluator, RunConfig, Task, chan2022, laptop, resolve_device
from icl_train._commands.allocator import keep_freed_memory
from icl_train.metrics import sequence_loss
from icl_train.optim import build_optimizer, set_learning_rate

ROUNDS, CALLS = 7, 10


def small_images() -> ArraySource:
    """110 classes of 20 random 28 x 28 images."""
    return ArraySource(np.random.default_rng(0).random((110, 20, 28, 28), dtype=np.float32))


def large_images() -> ArraySource:
    """110 classes of 4 random 105 x 105 images."""
    return ArraySource(np.random.default_rng(0).random((110, 4, 105, 105), dtype=np.float32))


def on_images(factory: str) -> RunConfig:
    """The paper's model on 100 classes of such images."""
    config = chan2022()
    return replace(config, data=replace(config.data, source=f"bench_train:{factory}", n_rare_classes=90))


def build(config: RunConfig) -> tuple[Task, Callable[..., None]]:
    """A task, and a function that makes one update on a batch of its own."""
    task = Task.build(config, device=resolve_device("cpu"))
    sampler, model = task.training_sampler(), task.build_model()
    optimizer = build_optimizer(model)
    set_learning_rate(optimizer, 1e-5)
    steps = itertools.count(1)

    def update(positions: str = "query") -> None:
        step = next(steps)
        batch = sampler(step)
        labels = torch.tensor(batch.label, dtype=torch.int64)
        logits = model(task.bank(batch, seed=0, step=step), labels, positions=positions)
        loss, _, _ = sequence_loss(logits[:, None] if positions == "query" else logits[:, ::2], labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return task, update


def seconds(call: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def report(title: str, pairs: list[tuple[float, float]]) -> None:
    """Medians of both sides, and the median of the ratios of neighbouring measurements."""
    a, b = (statistics.median(times) * 1e3 for times in zip(*pairs, strict=True))
    ratio = statistics.median(other / ours for ours, other in pairs)
    print(f"{title:<66} {a:9.2f} ms, not {b:9.2f} ms: {ratio:.2f} times as fast", flush=True)


def compare(title: str, ours: Callable[[], object], other: Callable[[], object], *, calls: int = CALLS) -> None:
    ours(), other()
    report(title, [(seconds(ours, calls), seconds(other, calls)) for _ in range(ROUNDS)])


def compare_evaluations() -> None:
    """Without noise an example is embedded once however often it appears; the flag alone switches that off here."""
    task, _ = build(on_images("small_images"))
    model = task.build_model()
    once = Evaluator(task, batches=16)
    task.bank.deterministic = False
    each = Evaluator(task, batches=16)
    compare(
        "evaluation, residual net 28x28: embed each example once", lambda: once(model), lambda: each(model), calls=1
    )


def compare_allocators() -> None:
    """CPU time of one update in processes of their own: the setting cannot be taken back."""
    command = [sys.executable, __file__, "--update"]
    pairs = [
        tuple(
            float(subprocess.run([*command, how], check=True, capture_output=True).stdout) for how in ("keep", "return")
        )
        for _ in range(3)
    ]
    report("update, residual net 105x105, CPU time: keep freed memory", pairs)


def main() -> None:
    torch.set_num_threads(1)
    if sys.argv[1:2] == ["--update"]:
        if sys.argv[2] == "keep":
            keep_freed_memory()
        _, update = build(on_images("large_images"))
        update(), update()
        start = time.process_time()
        update(), update(), update()
        print((time.process_time() - start) / 3)
        return
    task, update = build(laptop())
    model = task.build_model()
    compare("laptop update: read out at the query alone", update, lambda: update("all"))
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    compare(
        "laptop optimiser step: fused, not a loop over the parameters",
        build_optimizer(model).step,
        torch.optim.Adam(model.parameters(), lr=0.0, foreach=False).step,
    )
    sampler, steps = task.training_sampler(), itertools.count()
    compare("laptop update, its 64 index sequences drawn beforehand", update, lambda: (sampler(next(steps)), update()))
    compare_evaluations()
    compare_allocators()


if __name__ == "__main__":
    main()
