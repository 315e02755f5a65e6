"""How long a sweep will take on this machine: some updates of each kind of run are timed, the rest follows by cost."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from icl_train._runs.folder import Record, RunFolder
from icl_train._runs.pace import Pace
from icl_train._sweeps.cost import expected_cost, seconds_left
from icl_train.config import RunConfig

__all__ = ["Timing", "kind_of", "sweep_seconds", "time_run"]

_SECONDS, _LEAST_STEPS = 2.0, 3
_NOT_TIMED = 2  # the first updates allocate memory and load kernels


@dataclass(frozen=True)
class Timing:
    """What was measured of one run.

    Attributes:
        update: seconds of an update.
        evaluation: seconds of a batch of an evaluation, of all splits.
        cost: expected cost of an update, see `expected_cost`.
    """

    update: float
    evaluation: float
    cost: float

    def seconds(self, config: RunConfig, done: int) -> float:
        """How long a run of this kind takes.

        Args:
            config: the run's settings.
            done: updates that are done.
        """
        steps = range(done + 1 if done else 0, config.train.max_steps + 1)
        timetable = config.evaluations
        n_evaluations = sum(step in timetable for step in steps)
        updates = (config.train.max_steps - done) * self.update
        return (updates + n_evaluations * config.eval.batches * self.evaluation) * expected_cost(config) / self.cost


def kind_of(config: RunConfig) -> tuple[str, ...]:
    """What runs have in common whose times follow from one another by their expected cost."""
    model, train = config.model, config.train
    actions = sorted({one.action for one in model.intervened})
    return (config.data.source, model.embedder, model.sequence_model, train.precision, train.device, *actions)


def time_run(config: RunConfig, *, device: str, threads: int | None) -> Timing:
    """Train a few updates, in a folder that is removed again.

    Args:
        config: the run's settings.
        device: where.
        threads: CPU threads; None for all cores.

    Raises:
        RunFailed: if it cannot be trained.
    """
    from icl_train._loop import train  # a sweep that only starts other processes needs no PyTorch

    few = replace(
        config,
        eval=replace(config.eval, batches=1, steps=(0, 1), log_spaced_steps=None),
        train=replace(config.train, tracker=None, tracker_config=None, init_from=None),
    )
    stopwatch = _Stopwatch()
    with tempfile.TemporaryDirectory(prefix="icl-timing-") as folder:
        run = RunFolder.create(Path(folder) / "run", few, device=device, threads=threads)
        with contextlib.suppress(_Enough):
            train(run, stopwatch)
    return Timing(stopwatch.update, stopwatch.evaluation, expected_cost(config))


def sweep_seconds(runs: Sequence[tuple[RunConfig, int]], timings: dict[tuple[str, ...], Timing], *, jobs: int) -> float:
    """Seconds until all runs are done, the longest started first, each with the start of its process.

    Args:
        runs: settings, and updates that are done, of those that are not finished.
        timings: of each kind of run.
        jobs: runs at a time.
    """
    start = _seconds_to_start()
    each = [start + timings[kind_of(config)].seconds(config, done) for config, done in runs]
    return seconds_left([], sorted(each, reverse=True), min(jobs, max(1, len(each))))


def _seconds_to_start() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-P", "-c", "import icl_train._loop"], check=False, capture_output=True)
    return time.perf_counter() - started


class _Enough(KeyboardInterrupt):
    """Ends a training as Ctrl+C does: without a mark that it has failed."""


class _Stopwatch:
    """A reporter that ends the training when enough was timed."""

    def __init__(self) -> None:
        self.update = self.evaluation = 0.0

    def start(self, name: str, step: int, last: int, batch_size: int, pace: Pace) -> None:
        self._pace, self._last = pace, last
        self._first = (step, pace.training_seconds())

    def advance(self, step: int) -> None:
        now = self._pace.training_seconds()
        self._began = time.perf_counter()
        if step <= _NOT_TIMED < self._last:
            self._first = (step, now)
            return
        before, then = self._first
        self.update = (now - then) / (step - before)
        if step - before >= _LEAST_STEPS and now - then >= _SECONDS:
            raise _Enough

    def records(self, records: Sequence[Record]) -> None:
        if records[0]["split"] != "train" and records[0]["step"] == 1:
            self.evaluation = time.perf_counter() - self._began

    def stop(self) -> None:
        pass
