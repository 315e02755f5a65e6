"""Products of the transformer on 32 sequences of 17 tokens, by oneDNN and by MKL: pairs measured alternately on one
thread, in GFLOP/s of CPU time. The written-out transformer takes the first.

python benchmarks/bench_products.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

from icl_models._sequence_models.written.products import affine, weight_gradient

ROWS, ROUNDS, CALLS = 32 * 17, 15, 50


def seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - start) / CALLS


def main() -> None:
    torch.set_num_threads(1)
    for inside, out in ((64, 192), (64, 64), (64, 256), (256, 64)):
        x, weight, gradient = torch.randn(ROWS, inside), torch.randn(out, inside), torch.randn(ROWS, out)
        bias, operations = torch.zeros(out), 2 * ROWS * inside * out
        compared: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
            "there": (
                lambda x=x, weight=weight, bias=bias: affine(x, weight, bias),
                lambda x=x, weight=weight, bias=bias: torch.addmm(bias, x, weight.t()),
            ),
            "back": (
                lambda gradient=gradient, weight=weight: affine(gradient, weight.t()),
                lambda gradient=gradient, weight=weight: gradient @ weight,
            ),
            "weight": (
                lambda x=x, gradient=gradient: weight_gradient(x, gradient),
                lambda x=x, gradient=gradient: gradient.t() @ x,
            ),
        }
        for name, (ours, other) in compared.items():
            ours(), other()
            pairs = [(seconds(ours), seconds(other)) for _ in range(ROUNDS)]
            one, two = (operations / statistics.median(times) / 1e9 for times in zip(*pairs, strict=True))
            ratio = statistics.median(b / a for a, b in pairs)
            print(f"{inside:>4} -> {out:<4} {name:<7} {one:6.0f} GFLOP/s, not {two:6.0f}: {ratio:.2f} times as fast")


if __name__ == "__main__":
    main()
