"""What the residual net's first layers save: training passes in turn, processor time of one thread.

python benchmarks/bench_stem.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from unittest.mock import patch

import torch
from torch import Tensor

from icl_models import SimpleResNet
from icl_models._embedders import same_padding
from icl_models._embedders import stem as stem_module
from icl_train._commands.allocator import keep_freed_memory

SEQUENCES, EXAMPLES = 32, 9
ROUNDS = {28: 30, 105: 10}


def passes(size: int, *, drawn: bool) -> Callable[[], float]:
    """A function that embeds a batch, forward and backward, and returns the seconds it took."""
    torch.manual_seed(0)
    net = SimpleResNet(image_size=(size, size))
    images = torch.rand(SEQUENCES, EXAMPLES, size, size, 1)
    images = (images < 0.9).float() if drawn else images
    slope = torch.randn(SEQUENCES, EXAMPLES, 64)

    def both() -> float:
        start = time.thread_time()
        torch.autograd.backward(net(images), slope)
        return time.thread_time() - start

    return both


def never(*_: Tensor) -> bool:
    """In place of a question whether a shorter way can be taken."""
    return False


def compare(size: int, kind: str) -> None:
    """Medians with and without each of the shorter ways."""
    call = passes(size, drawn=kind == "drawings")
    patch.object(stem_module, "_PIXELS", 0).start()  # so that what small images would lose shows
    without = {
        "normalised by the weights": (stem_module, "_folds", never),
        "drawings counted": (stem_module, "marks", lambda x: None),
        "few channels by products": (same_padding, "is_narrowing", never),
    }
    for what, (module, name, otherwise) in without.items():
        pairs = []
        for i in range(ROUNDS[size] + 2):
            times = {}
            for ours in (True, False) if i % 2 else (False, True):
                with patch.object(module, name, getattr(module, name) if ours else otherwise):
                    times[ours] = call()
            pairs.append((times[True], times[False]))
        a, b = (statistics.median(times) * 1e3 for times in zip(*pairs[2:], strict=True))
        low, middle, high = statistics.quantiles([other / ours for ours, other in pairs[2:]], n=4)
        print(
            f"{size}x{size} {kind}, {what:<26} {a:7.1f} ms, not {b:7.1f} ms: {middle:.2f} times as fast "
            f"({low:.2f} to {high:.2f})",
            flush=True,
        )


if __name__ == "__main__":
    keep_freed_memory()
    torch.set_num_threads(1)
    print(f"Both passes of {SEQUENCES} x {EXAMPLES} images; medians and quartiles of pairs")
    for size, kind in ((28, "grey images"), (105, "grey images"), (105, "drawings")):
        compare(size, kind)
