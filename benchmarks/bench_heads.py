"""What looking at the heads of many checkpoints costs: seconds for each, and pairs measured alternately, as ratios.

python benchmarks/bench_heads.py [CHECKPOINTS] [SEQUENCES]
"""

from __future__ import annotations

import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from icl_eval import measure_heads
from icl_models import TransformerConfig
from icl_train import PlainReporter, RunConfig, RunFolder, laptop, train

ROUNDS = 3
CHECKPOINTS, SEQUENCES = 200, 1000


def few_tokens(checkpoints: int) -> RunConfig:
    """Two layers of attention alone, rotary positions, contexts of two pairs (the model of Singh et al. 2024)."""
    base = with_checkpoints(laptop(), checkpoints)
    return replace(
        base,
        data=replace(base.data, n_rare_classes=1000, shots=1, fs_shots=1, ways=2, seq_len=3),
        model=replace(base.model, sequence_model_config=TransformerConfig(mlp_layers=(), positions="rotary")),
    )


def with_checkpoints(config: RunConfig, checkpoints: int) -> RunConfig:
    """One after each update, and next to no evaluation."""
    return replace(
        config,
        train=replace(
            config.train,
            max_steps=checkpoints - 1,
            batch_size=32,
            checkpoint_steps=tuple(range(checkpoints)),
            log_interval=checkpoints,
        ),
        eval=replace(config.eval, interval=checkpoints, batches=1),
    )


def seconds(call: Callable[[], object]) -> tuple[float, float]:
    """On the wall, and of processors."""
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - processor


def measure(title: str, config: RunConfig, checkpoints: int, sequences: int, folder: Path) -> None:
    run = RunFolder.create(folder / title.replace(" ", "-"), config, device="cpu", threads=1)
    train(run, PlainReporter(io.StringIO()))

    def looked_at(workers: int) -> Callable[[], object]:
        return lambda: measure_heads(run, steps="all", sequences=sequences, workers=workers)

    measure_heads(run, sequences=sequences)
    rounds = [(seconds(looked_at(1)), seconds(looked_at(2))) for _ in range(ROUNDS)]
    one, two = (statistics.median(times[side][0] for times in rounds) for side in (0, 1))
    ratio = statistics.median(times[0][0] / times[1][0] for times in rounds)
    processor = statistics.median(times[0][1] for times in rounds)
    each = [1000 * value / checkpoints for value in (one, two, processor)]
    print(
        f"{title:<46} {each[0]:6.1f} ms a checkpoint ({each[2]:.1f} of processor), {each[1]:6.1f} with two workers: "
        f"{ratio:.2f} times as fast; 1,000 in {each[1]:.0f} s",
        flush=True,
    )


def main() -> None:
    given = [int(text) for text in sys.argv[1:]]
    checkpoints, sequences = (*given, *(CHECKPOINTS, SEQUENCES)[len(given) :])
    print(f"{checkpoints} checkpoints of two layers, {sequences} sequences")
    with tempfile.TemporaryDirectory() as folder:
        for title, config in (
            ("attention alone, 5 tokens", few_tokens(checkpoints)),
            ("the preset laptop, with MLPs, 17 tokens", with_checkpoints(laptop(), checkpoints)),
        ):
            measure(title, config, checkpoints, sequences, Path(folder))


if __name__ == "__main__":
    main()
