"""A few updates of a run, made by the training loop itself and timed piece by piece."""

from __future__ import annotations

import contextlib
import signal
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from icl_train._estimate.work import Times
from icl_train._runs.folder import Record, RunFailed, RunFolder
from icl_train._runs.pace import Pace
from icl_train.config import RunConfig

__all__ = ["time_runs"]

_SECONDS, _LEAST_STEPS = 2.0, 3
_NOT_TIMED = 2  # the first updates allocate memory and load kernels
_LONG = 1_000_000  # updates: the trial ends when enough was timed, not when it is done
_SEQUENCES = 256  # of an evaluation: as many as one call of the model takes


def time_runs(
    configs: Sequence[RunConfig],
    *,
    device: str,
    threads: int | None,
    seconds: float = _SECONDS,
    sequences: int = _SEQUENCES,
) -> Times:
    """Train a few updates with an evaluation and a checkpoint, in a folder that is removed again.

    Args:
        configs: the run's settings; or those of several, which are then trained as an ensemble, and timed at the first.
        device: where.
        threads: CPU threads; None for all cores.
        seconds: of updates that are timed at least, the first two aside.
        sequences: that an evaluation has at most in the trial; its time grows with their number.

    Raises:
        RunFailed: if it cannot be trained.
        ValueError: if its data, device or model cannot be had.
    """
    first = configs[0]
    batches = min(first.eval.batches, max(1, sequences // first.train.batch_size))
    stopwatch = _Stopwatch(seconds)
    with _sigterm_interrupts(), tempfile.TemporaryDirectory(prefix="icl-timing-") as folder:
        runs = [
            RunFolder.create(Path(folder) / f"run{place}", _few_updates(one, batches), device=device, threads=threads)
            for place, one in enumerate(configs)
        ]
        with contextlib.suppress(_Enough):
            _train(runs, stopwatch)
    if stopwatch.times is None:
        raise RunFailed(f"{first.preset}: it ended before {_NOT_TIMED + _LEAST_STEPS} updates were timed")
    return replace(stopwatch.times, evaluation=stopwatch.times.evaluation * first.eval.batches / batches)


@contextlib.contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """SIGTERM is Ctrl+C, so that it leaves no folder behind, where nobody else has taken it."""
    is_free = signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if not is_free or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _few_updates(config: RunConfig, batches: int) -> RunConfig:
    """A run that goes on until it is ended, with an evaluation and a checkpoint after its first update."""
    train = replace(
        config.train,
        max_steps=max(config.train.max_steps, _LONG),
        checkpoint_steps=(1,),
        log_spaced_checkpoint_steps=None,
        tracker=None,
        tracker_config=None,
        init_from=None,
    )
    return replace(config, train=train, eval=replace(config.eval, batches=batches, steps=(0, 1), log_spaced_steps=None))


def _train(runs: Sequence[RunFolder], stopwatch: _Stopwatch) -> None:
    """A sweep that only starts other processes needs no PyTorch."""
    if len(runs) == 1:
        from icl_train._loop import train

        train(runs[0], stopwatch)
        return
    from icl_train._ensemble.together import train_together

    failures = train_together(runs, lambda run: stopwatch if run == runs[0] else _Silent())
    for error in failures.values():
        raise error


class _Enough(KeyboardInterrupt):
    """Ends a training as Ctrl+C does: without a mark that it has failed."""


class _Silent:
    """A reporter that tells nobody."""

    def start(self, name: str, step: int, last: int, batch_size: int, pace: Pace) -> None:
        pass

    def advance(self, step: int) -> None:
        pass

    def records(self, records: Sequence[Record]) -> None:
        pass

    def stop(self) -> None:
        pass


class _Stopwatch(_Silent):
    """A reporter that ends the training when enough was timed."""

    times: Times | None = None

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def start(self, name: str, step: int, last: int, batch_size: int, pace: Pace) -> None:
        self._pace = pace

    def advance(self, step: int) -> None:
        now = self._pace.training_seconds()
        if step <= _NOT_TIMED:
            self._since = now
        elif step >= _NOT_TIMED + _LEAST_STEPS and now - self._since >= self._seconds:
            self.times = self._pace.times()
            if self.times is not None:  # of an ensemble, which is not told of every update, there must be two lines
                raise _Enough
