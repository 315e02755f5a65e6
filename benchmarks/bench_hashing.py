"""What hashes in run folders cost: of a checkpoint, of a line of metrics.jsonl, of a whole training, of reading.

    python benchmarks/bench_hashing.py [EARLIER]

EARLIER is a folder with the packages of a version without hashes, installed by `pip install --target EARLIER`; each
measurement is then made in both, one after the other, in processes of their own, and the median of the ratios printed.
Without it, what hashing takes is held against the whole of which it is a part.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from icl_data import ArraySource
from icl_data.foundation.sealed import GrowingSeal
from icl_train import RunConfig, RunFolder, Task, chan2022, laptop, resolve_device
from icl_train._intact.ties import Ties
from icl_train._runs.checkpoint import save_checkpoint
from icl_train.optim import build_optimizer

ROUNDS = 7
RECORD = {"split": "train", "step": 1000, "sequences": 64000} | dict.fromkeys(
    ("loss", "loss_query", "loss_interim", "accuracy_query", "grad_l2", "weight_l2"), 0.123456789012345
)

APPEND = """
import sys, time
from pathlib import Path
from icl_train import RunFolder, laptop
import json
run = RunFolder.create(Path(sys.argv[1]) / "run", laptop(), device="cpu", threads=1)
record = json.loads(sys.argv[2])
run.append([record])
start = time.perf_counter()
for _ in range(5000):
    run.append([record])
print((time.perf_counter() - start) / 5000 * 1e6)
"""
TRAIN = """
import io, sys, time
from dataclasses import replace
from pathlib import Path
from icl_train import PlainReporter, RunFolder, laptop, train
config = laptop()
config = replace(config, train=replace(config.train, max_steps=1000))
run = RunFolder.create(Path(sys.argv[1]) / "run", config, device="cpu", threads=1)
start = time.process_time()
train(run, PlainReporter(io.StringIO()))
print(time.process_time() - start)
"""


def images() -> ArraySource:
    """110 classes of 4 images of 105 x 105."""
    return ArraySource(torch.rand(110, 4, 105, 105, generator=torch.Generator().manual_seed(0)).numpy())


def paper() -> RunConfig:
    """The paper's 12 layers and residual net, on images that need no download."""
    config = chan2022()
    return replace(config, data=replace(config.data, source="bench_hashing:images", n_rare_classes=90))


def seconds(call: Callable[[], object], calls: int = 1) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def of_checkpoints(name: str, config: RunConfig) -> None:
    """Hashing, beside writing the checkpoint whole."""
    task = Task.build(config, device=resolve_device("cpu"))
    model = task.build_model()
    optimizer = build_optimizer(model)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    with tempfile.TemporaryDirectory() as folder:

        def write() -> Path:
            return save_checkpoint(
                Path(folder),
                step=1,
                model=model,
                optimizer=optimizer,
                sums=(0.0,) * 4,
                summed=0,
                metrics=GrowingSeal(),
                ties=Ties("0" * 64, None),
            )

        contents = [file.read_bytes() for file in write().glob("*.safetensors")]
        size = sum(map(len, contents))
        hashing = [seconds(lambda: [hashlib.sha256(one).digest() for one in contents], 10) for _ in range(ROUNDS)]
        writing = [seconds(write) for _ in range(ROUNDS)]
    hashed, written = statistics.median(hashing), statistics.median(writing)
    print(
        f"checkpoint, {name}: {size / 1e6:.1f} MB hashed in {hashed * 1e3:.1f} ms ({size / hashed / 1e6:,.0f} MB/s), "
        f"{hashed / written:.1%} of the {written * 1e3:.0f} ms that it is written in"
    )


def beside(title: str, unit: str, code: str, earlier: str | None, *arguments: str) -> None:
    """The same here and in an earlier version, alternately."""
    pairs = []
    for _ in range(ROUNDS):
        pair = []
        for path in (None, earlier) if earlier else (None,):
            with tempfile.TemporaryDirectory() as folder:
                environment = os.environ if path is None else {**os.environ, "PYTHONPATH": path}
                command = [sys.executable, "-P", "-c", code, folder, *arguments]
                done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
                pair.append(float(done.stdout))
        pairs.append(pair)
    told = f"{title}: {statistics.median(pair[0] for pair in pairs):.1f} {unit}"
    if earlier:
        ratio = statistics.median(now / then for now, then in pairs)
        told += f", earlier {statistics.median(pair[1] for pair in pairs):.1f} {unit}: {ratio:.3f} times as long"
    print(told, flush=True)


def of_lines() -> None:
    """Making a line with its checksum, beside making one without."""
    seal = GrowingSeal()
    with_seal, without = (
        statistics.median(seconds(call, 2000) for _ in range(ROUNDS))
        for call in (lambda: seal.line(RECORD), lambda: (json.dumps(RECORD) + "\n").encode())
    )
    print(f"a line of metrics.jsonl: {with_seal * 1e6:.1f} us made, {without * 1e6:.1f} us without its checksum")


def main() -> None:
    """Print a line for each measurement."""
    torch.set_num_threads(1)
    earlier = sys.argv[1] if len(sys.argv) > 1 else None
    of_lines()
    of_checkpoints("laptop", laptop())
    of_checkpoints("chan2022", paper())
    beside("a record appended to both files", "us", APPEND, earlier, json.dumps(RECORD))
    beside("1,000 updates of laptop, CPU time", "s", TRAIN, earlier)
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder.create(Path(folder) / "run", laptop(), device="cpu", threads=1)
        for step in range(0, 20_000, 100):
            run.append([RECORD | {"step": step}] * 10)
        run.mark_done()
        checked = statistics.median(seconds(run.lines, 20) for _ in range(ROUNDS))
        size = (run.path / "metrics.jsonl").stat().st_size
        print(
            f"reading {size / 1e6:.1f} MB of records whole: {checked * 1e3:.2f} ms ({size / checked / 1e6:,.0f} MB/s)"
        )


if __name__ == "__main__":
    main()
