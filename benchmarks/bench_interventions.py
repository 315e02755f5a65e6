"""What an update costs under interventions, and that it costs nothing without.

    python benchmarks/bench_interventions.py [EARLIER]

EARLIER is a folder with the packages of a version without interventions, installed by `pip install --target EARLIER`;
the update without any is then timed in both. All pairs are measured alternately, in processes of their own: the CPU
time of an update is the median over a training, and the median of the ratios is printed.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 9
CHILD = """
import json, statistics, sys, time
from dataclasses import replace
from pathlib import Path
from icl_train import RunFolder, laptop, train

class Clock:
    times = []
    def start(self, *args): pass
    def records(self, records): pass
    def stop(self): pass
    def advance(self, step): self.times.append(time.process_time())

config = laptop()
interventions = json.loads(sys.argv[2])
if interventions:
    config = replace(config, model=replace(config.model, interventions=tuple(interventions)))
config = replace(
    config,
    train=replace(config.train, max_steps=600, log_interval=10_000),
    eval=replace(config.eval, batches=1, interval=10_000),
)
run = RunFolder.create(Path(sys.argv[1]) / "run", config, device="cpu", threads=1)
train(run, Clock())
times = Clock.times[100:]
print(statistics.median(b - a for a, b in zip(times, times[1:])))
"""
ACTIONS = {
    "one head ablated": ["blocks.1.attention.heads.0:ablate"],
    "all heads of a layer but one ablated": ["blocks.1.attention.heads:ablate,but=0"],
    "previous-token pattern in a layer": ["blocks.0.attention.weights:pattern=previous"],
    "induction pattern in a layer": ["blocks.1.attention.weights:pattern=induction"],
    "copied answers": ["blocks.1.attention.weights:copy"],
    "a layer's weights fixed": ["blocks.0:fix"],
    "held to another run after a layer": ["blocks.0.residual_post:run={other}"],
}


def update(interventions: list[str], path: str | None = None) -> float:
    """Seconds of an update, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ if path is None else {**os.environ, "PYTHONPATH": path}
        command = [sys.executable, "-P", "-c", CHILD, folder, json.dumps(interventions)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        return float(done.stdout)


def report(title: str, pairs: list[tuple[float, float]], against: str) -> None:
    """Medians of both sides, and the median and the range of the ratios of neighbouring measurements."""
    a, b = (statistics.median(times) * 1e3 for times in zip(*pairs, strict=True))
    ratios = sorted(ours / other for ours, other in pairs)
    told = f"{statistics.median(ratios):.3f} times ({ratios[0]:.3f} to {ratios[-1]:.3f})"
    print(f"{title:<40} {a:7.3f} ms, {against} {b:7.3f} ms: {told}", flush=True)


def main() -> None:
    earlier = sys.argv[1] if len(sys.argv) > 1 else None
    against = "again" if earlier is None else "earlier"
    # Each first in every other pair, so that what a machine does meanwhile falls on both.
    pairs = []
    for number in range(ROUNDS):
        both = [update([], earlier if side else None) for side in ((0, 1) if number % 2 else (1, 0))]
        pairs.append((both[0], both[1]) if number % 2 else (both[1], both[0]))
    report("laptop update, without interventions", pairs, against)
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "run"
        make = "import sys; from pathlib import Path; from icl_train import *; from dataclasses import replace; "
        make += "c = laptop(); c = replace(c, train=replace(c.train, max_steps=1), eval=replace(c.eval, batches=1)); "
        make += "train(RunFolder.create(Path(sys.argv[1]), c, device='cpu', threads=1), PlainReporter())"
        subprocess.run([sys.executable, "-P", "-c", make, str(other)], check=True, capture_output=True)
        for title, texts in ACTIONS.items():
            named = [text.format(other=other) for text in texts]
            report(title, [(update(named), update([])) for _ in range(3)], "without")


if __name__ == "__main__":
    main()
