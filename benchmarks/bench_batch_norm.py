"""What batch normalisation by groups and bfloat16 cost: training updates in turn, processor time of one thread.

python benchmarks/bench_batch_norm.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F

from icl_models import ModelConfig, ResNetConfig, build_model

SEQUENCES, EXAMPLES, CLASSES = 32, 9, 1623
ROUNDS = {28: 30, 105: 8}


def updates(
    size: int, sequences_per_statistics: int | None, inside: Callable[[], AbstractContextManager[object]] = nullcontext
) -> Callable[[], float]:
    """A function that makes one update of the paper's net with two layers and returns the seconds it took."""
    own = ResNetConfig(sequences_per_statistics=sequences_per_statistics)
    config = ModelConfig(num_classes=CLASSES, example_shape=(size, size, 1), num_layers=2, embedder_config=own)
    model = build_model(config, seed=0)
    optimizer = torch.optim.Adam(model.parameters(), 1e-4)
    generator = torch.Generator().manual_seed(0)
    images = (torch.rand(SEQUENCES, EXAMPLES, *config.example_shape, generator=generator) > 0.9).float()
    labels = torch.randint(CLASSES, (SEQUENCES, EXAMPLES), generator=generator)

    def update() -> float:
        start = time.thread_time()
        with inside():
            loss = F.cross_entropy(model(images, labels, "query"), labels[:, -1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return time.thread_time() - start

    return update


def compare(title: str, one: Callable[[], float], other: Callable[[], float], rounds: int) -> None:
    one(), other()
    pairs = [(one(), other()) if i % 2 else (other(), one())[::-1] for i in range(rounds)]
    a, b = (statistics.median(times) * 1e3 for times in zip(*pairs, strict=True))
    ratios = [ours / plain for ours, plain in pairs]
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(
        f"{title:<36} {a:8.1f} ms, default {b:8.1f} ms: {middle:.2f} times as long ({low:.2f} to {high:.2f})",
        flush=True,
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"Training updates of {SEQUENCES} sequences of {EXAMPLES} images; medians and quartiles of pairs")
    for size, rounds in ROUNDS.items():
        default = updates(size, None)
        compare(f"{size}x{size}, the default, against itself", updates(size, None), default, rounds)
        for group in (2, 16):
            compare(f"{size}x{size}, groups of {group}", updates(size, group), default, rounds)
        low = updates(size, None, lambda: torch.autocast("cpu", torch.bfloat16))
        compare(f"{size}x{size}, bfloat16 by autocast", low, default, rounds)
