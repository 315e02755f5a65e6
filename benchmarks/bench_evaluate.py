"""What the shortcuts of an evaluation save: pairs measured alternately in one run, printed as ratios.

python benchmarks/bench_evaluate.py [SEQUENCES]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from icl_data import ArraySource
from icl_train import EVAL_SPLITS, Evaluator, RunConfig, Task, chan2022, resolve_device

ROUNDS = 3
SEQUENCES = 1000


def small_images() -> ArraySource:
    """As many classes and exemplars as Omniglot has, of random 28 x 28 images."""
    return ArraySource(np.random.default_rng(0).random((1623, 20, 28, 28), dtype=np.float32))


def paper() -> RunConfig:
    """The paper's model on such images."""
    config = chan2022()
    data = replace(config.data, source="bench_evaluate:small_images")
    return replace(config, data=data)


def seconds(call: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    call()
    return clock() - start


def compare(
    title: str, ours: Callable[[], object], other: Callable[[], object], clock: Callable[[], float] = time.perf_counter
) -> None:
    """Medians of both sides, and the median of the ratios of neighbouring measurements."""
    ours(), other()
    pairs = [(seconds(ours, clock), seconds(other, clock)) for _ in range(ROUNDS)]
    a, b = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(theirs / own for own, theirs in pairs)
    print(f"{title:<78} {a:7.2f} s, not {b:7.2f} s: {ratio:.2f} times as fast", flush=True)


def main() -> None:
    sequences = int(sys.argv[1]) if sys.argv[1:] else SEQUENCES
    task = Task.build(paper(), device=resolve_device("cpu"))
    model = task.build_model()

    def measuring(*splits: str, workers: int = 1) -> Callable[[], object]:
        evaluator = Evaluator(task, sequences=sequences, splits=splits, workers=workers)
        return lambda: evaluator(model)

    together, alone = measuring(*EVAL_SPLITS), [measuring(name) for name in EVAL_SPLITS]
    beside = measuring(*EVAL_SPLITS, workers=2)
    print(f"{len(EVAL_SPLITS)} evaluations of {sequences} sequences each, residual net 28x28 and 12 layers")
    compare("two calls beside each other, not one after the other (wall time)", beside, together)
    compare(
        "all evaluations together, not one by one (processor time)",
        together,
        lambda: [one() for one in alone],
        time.process_time,
    )
    pair, single = measuring("fewshot_holdout", "flipped"), [measuring("fewshot_holdout"), measuring("flipped")]
    compare(
        "two evaluations of the same contexts together (processor time)",
        pair,
        lambda: [one() for one in single],
        time.process_time,
    )


if __name__ == "__main__":
    main()
