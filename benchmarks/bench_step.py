"""Whole training steps (data, forward, backward, optimiser), as `icl_train.train` makes them, in milliseconds.

Each model trains in a process of its own for every thread count, and the processes take turns. With another checkout,
its processes take turns with ours, and the ratios are of neighbouring measurements.

A turn takes two seconds: a process that waits disturbs the other, and most where they change places often. An update of
`symbolic` in two threads took 27 ms in turns of half a second beside another checkout, and 24.3 ms in turns of two.

python benchmarks/bench_step.py [--against CHECKOUT] [--models symbolic laptop five-token images small-images]
                                [--threads 1 2] [--rounds 15] [--seconds 2] [--cpu-time]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from icl_train import RunConfig

HERE = Path(__file__).resolve()
PACKAGES = ("icl-data", "icl-models", "icl-train")
WARM_UP = 20
Times = dict[int, float]


def symbolic() -> RunConfig:
    """The paper's 12 layers on ids: 17 tokens, 1,623 classes, batch 32."""
    from icl_train import chan2022
    from icl_train.presets import with_source

    return with_source(chan2022(), "symbolic")


def laptop() -> RunConfig:
    """Two layers, 17 tokens, batch 64."""
    from icl_train import laptop

    return laptop()


def five_token() -> RunConfig:
    """Two layers of attention alone, 5 tokens, batch 32."""
    from icl_train import PRESETS

    return PRESETS["singh2025"]()


def images() -> RunConfig:
    """The paper's model on Omniglot at 105 x 105, which ICL_OMNIGLOT names."""
    from icl_train import chan2022

    config = chan2022()
    return replace(config, data=replace(config.data, omniglot=os.environ["ICL_OMNIGLOT"]))


def small_images() -> RunConfig:
    """The same at 28 x 28."""
    config = images()
    return replace(config, data=replace(config.data, downsample=True))


MODELS: dict[str, Callable[[], RunConfig]] = {
    "symbolic": symbolic,
    "laptop": laptop,
    "five-token": five_token,
    "images": images,
    "small-images": small_images,
}
DEFAULT = ("symbolic", "laptop", "five-token")  # which need no files


class Turns:
    """A reporter of training that makes as many updates as it is told to, then says how long one took."""

    def __init__(self, orders: IO[str], answers: IO[str]) -> None:
        self.orders, self.answers = orders, answers
        self.left = self.asked = WARM_UP
        self.began = (time.perf_counter(), time.process_time())

    def start(self, *_: object) -> None:
        pass

    def records(self, *_: object) -> None:
        pass

    def stop(self) -> None:
        pass

    def advance(self, step: int) -> None:
        self.left -= 1
        if self.left:
            return
        now = (time.perf_counter(), time.process_time())
        spent = [(after - before) / self.asked for before, after in zip(self.began, now, strict=True)]
        self.answers.write(json.dumps(spent) + "\n")
        self.answers.flush()
        order = self.orders.readline()
        if not order:
            os._exit(0)  # whoever gave the orders is gone; nothing of the run is kept
        self.left = self.asked = int(order)
        self.began = (time.perf_counter(), time.process_time())


def train_by_turns(name: str, threads: int) -> None:
    """What a process does: train until nobody asks for more."""
    from icl_train import RunFolder, train
    from icl_train._commands.allocator import keep_freed_memory

    keep_freed_memory()
    config = MODELS[name]()
    never = 200_000  # more than the turns ask for
    config = replace(
        config,
        train=replace(config.train, max_steps=never, threads=threads, device="cpu", checkpoint_steps=(never,)),
        eval=replace(config.eval, batches=1, steps=(never,), log_spaced_steps=None),
    )
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder.create(Path(folder) / "run", config, device="cpu", threads=threads)
        train(run, Turns(sys.stdin, sys.stdout))


@dataclass
class Trainee:
    """A process that trains when it is its turn."""

    process: subprocess.Popen[str]
    steps: int = 1

    @classmethod
    def begin(cls, checkout: Path, name: str, threads: int) -> Trainee:
        paths = os.pathsep.join(str(checkout / "packages" / package / "src") for package in PACKAGES)
        environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": str(threads)}
        command = [sys.executable, str(HERE), "--train", name, "--threads", str(threads)]
        pipe = subprocess.PIPE
        return cls(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment))

    def answer(self) -> tuple[float, float]:
        assert self.process.stdout is not None
        wall, cpu = json.loads(self.process.stdout.readline())
        return wall, cpu

    def take_turn(self) -> tuple[float, float]:
        """Seconds of wall clock and of CPU time that an update took."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{self.steps}\n")
        self.process.stdin.flush()
        return self.answer()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


def measure(name: str, sides: Sequence[Path], threads: Sequence[int], arguments: argparse.Namespace) -> None:
    """Turns of every side with every number of threads; medians, and medians of neighbours' ratios."""
    trainees = {(side, n): Trainee.begin(side, name, n) for n in threads for side in sides}
    try:
        for trainee in trainees.values():
            wall, _ = trainee.answer()
            trainee.steps = max(1, round(arguments.seconds / wall))
        rounds = []
        for number in range(arguments.rounds):
            order = list(trainees) if number % 2 else list(reversed(trainees))
            times = {key: trainees[key].take_turn()[arguments.cpu_time] for key in order}
            rounds.append(times)
    finally:
        for trainee in trainees.values():
            trainee.end()
    ours = sides[0]
    for n in threads:
        told = f"{name:<12} {n} thread{'s' if n > 1 else ' '} {median_of([one[ours, n] for one in rounds]):8.3f} ms"
        for other in sides[1:]:
            ratio = statistics.median(one[other, n] / one[ours, n] for one in rounds)
            told += f", not {median_of([one[other, n] for one in rounds]):8.3f} ms: {ratio:.2f} times as fast"
        print(told, flush=True)
    if {1, 2} <= set(threads):
        worth = [statistics.median(one[side, 1] / one[side, 2] for one in rounds) for side in sides]
        print(f"{name:<12} second core worth {', there '.join(f'{factor:.2f}' for factor in worth)} times", flush=True)


def median_of(seconds: Sequence[float]) -> float:
    """In milliseconds."""
    return statistics.median(seconds) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="another checkout, whose packages are measured beside ours")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(DEFAULT))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=2.0, help="that a turn takes")
    parser.add_argument("--cpu-time", action="store_true", help="count CPU time, of all threads, not the clock's")
    parser.add_argument("--train", choices=MODELS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        train_by_turns(arguments.train, arguments.threads[0])
        return
    sides = [HERE.parents[1]] + ([arguments.against.resolve()] if arguments.against else [])
    for name in arguments.models:
        measure(name, sides, arguments.threads, arguments)


if __name__ == "__main__":
    main()
