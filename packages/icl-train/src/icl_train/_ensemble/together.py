"""Several runs trained in one process as ensembles, each with a folder, a lock, a heartbeat and an end of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import torch

from icl_train._computing.device import resolve_device
from icl_train._computing.precision import computing
from icl_train._distributed.alone import Alone
from icl_train._engines.eager import Eager
from icl_train._engines.graph import Graph
from icl_train._ensemble.captured import CapturedEnsemble
from icl_train._ensemble.engine import Ensemble
from icl_train._ensemble.in_turn import InTurn
from icl_train._ensemble.member import Member
from icl_train._ensemble.shape import check_together
from icl_train._life.failure import failure_of, reason_of
from icl_train._loop import Training, mark_failed
from icl_train._runs.folder import RunFailed, RunFolder
from icl_train._runs.interrupt import StopRequest
from icl_train._runs.progress import Reporter
from icl_train._task import Task
from icl_train._trackers.tracking import tracking
from icl_train._watching.heartbeat import Heartbeat

__all__ = ["train_together"]

_STEPS_BETWEEN_SIGNS = 10  # of life, where nothing is due: for a hundred runs they take longer than an update


def train_together(runs: Sequence[RunFolder], reporter_of: Callable[[RunFolder], Reporter]) -> dict[Path, Exception]:
    """Train runs of one shape, each from its newest checkpoint (or from the start) to its last step.

    Runs at the same step are one ensemble; those that are behind catch up first. One that fails, as by a loss that is
    no number any more, is marked so, and the others go on.

    Args:
        runs: their folders. Those that are done stay as they are.
        reporter_of: whom to tell how one goes.

    Returns:
        Folder → why its run has failed, of those that have.

    Raises:
        ValueError: for runs that cannot be trained together, or a device that is not there.
        RunError: if another process trains one of them, or a plugin of its model is missing.
        KeyboardInterrupt: as `icl_train._loop.train`, when each has a checkpoint of its last update.
    """
    check_together([run.config for run in runs])
    for run in runs:
        run.require_components()
    device = resolve_device(runs[0].config.train.device)
    with ExitStack() as locks:
        for run in runs:
            locks.enter_context(run.lock())
        waiting = [run for run in runs if not run.is_done_and_whole()]
        if not waiting:
            return {}
        torch.set_num_threads(runs[0].threads)
        cuda = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(cuda), computing(runs[0].config.train.precision, device):
            return _Together(waiting, reporter_of, device).train()


class _Seat:
    """One run while it is trained: its training, and what ends with it."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self._context = ExitStack()
        self.training: Training | None = None

    def begin(self, reporter: Reporter, device: torch.device) -> None:
        """Go to its newest checkpoint, or to its start."""
        heartbeat = self._context.enter_context(Heartbeat(self.run.path))
        tracker = self._context.enter_context(tracking(self.run))
        self.training = Training(self.run, reporter, tracker, heartbeat, device, Alone(), build=_member)
        self.training.restore()
        self.training.start()

    @property
    def engine(self) -> Eager:
        """What makes its updates, or whose updates others make."""
        assert self.training is not None
        return self.training.engine

    @property
    def step(self) -> int:
        """Updates done."""
        assert self.training is not None
        return self.training.step

    @property
    def last(self) -> int:
        """Updates in all."""
        return self.run.config.train.max_steps

    def finish(self) -> None:
        """Its last update is made, and written down."""
        assert self.training is not None
        self.training.stop()
        self.run.mark_done()
        self._context.close()

    def fail(self, error: BaseException) -> Exception:
        """Mark it as failed; returns what a command that trains this run alone would end with."""
        if not isinstance(error, Exception):
            code = error.code if isinstance(error, SystemExit) else error
            error = RunFailed(f"code that the run calls ended it: SystemExit: {code}")
        begun = self.training is not None and self.training.begun
        if self.training is not None:
            self.training.stop()
        mark_failed(self.run, Heartbeat(self.run.path), reason_of(error), begun=begun)
        self.release(error)
        failure = failure_of(self.run.path, error)
        failure.__cause__ = None if failure is error else error
        return failure

    def release(self, error: BaseException) -> None:
        """Let go of it after what has ended it."""
        try:
            self._context.__exit__(type(error), error, error.__traceback__)
        except BaseException as same:  # a context hands the error on
            if same is not error:
                raise


class _Together:
    """The runs that are not at their end yet."""

    def __init__(
        self, runs: Sequence[RunFolder], reporter_of: Callable[[RunFolder], Reporter], device: torch.device
    ) -> None:
        self._seats = [_Seat(run) for run in runs]
        self._reporter_of, self._device = reporter_of, device
        self._failures: dict[Path, Exception] = {}

    def train(self) -> dict[Path, Exception]:
        """Until each is done or has failed."""
        try:
            with StopRequest() as stop:
                self._for_each(self._seats, lambda seat: seat.begin(self._reporter_of(seat.run), self._device))
                self._end_those_at_their_last()
                while self._seats:
                    self._one_ensemble(stop)
                    self._end_those_at_their_last()
        except BaseException as error:  # an end that was asked for, or a reader of the output that has left
            for seat in self._seats:
                if seat.training is not None:
                    seat.training.stop()
                seat.release(error)
            raise
        return self._failures

    def _one_ensemble(self, stop: StopRequest) -> None:
        """Train those that are the furthest behind until others are at their step, one ends, or one fails."""
        at = min(seat.step for seat in self._seats)
        group = [seat for seat in self._seats if seat.step == at]
        until = min([seat.last for seat in group] + [seat.step for seat in self._seats if seat.step > at])
        try:
            whole = _whole([seat.engine for seat in group])
        except Exception as error:
            return self._fail(dict.fromkeys(group, error))
        try:
            self._until(whole, group, until, stop)
            whole.leave()
        except (KeyboardInterrupt, BrokenPipeError):
            raise
        except (Exception, SystemExit) as error:  # in what is done to all members in one call
            self._fail({seat: error for seat in group if seat in self._seats})
        finally:
            whole.close()

    def _until(self, whole: Ensemble | InTurn, group: Sequence[_Seat], until: int, stop: StopRequest) -> None:
        trainings = [seat.training for seat in group if seat.training is not None]
        for step in range(trainings[0].step + 1, until + 1):
            whole.update(step)
            stopping = stop.requested
            due = stopping or step == until or any(training.is_due(step) for training in trainings)
            if not due and step % _STEPS_BETWEEN_SIGNS:
                continue
            for training in trainings:
                training.advance(step)
            if due and not self._written_down(group, stopping=stopping):
                return

    def _written_down(self, group: Sequence[_Seat], *, stopping: bool) -> bool:
        """Write down what is due; whether all members go on."""
        interrupted: list[KeyboardInterrupt] = []

        def write(seat: _Seat) -> None:
            assert seat.training is not None
            try:
                seat.training.write_down(stopping=stopping)
            except KeyboardInterrupt as interrupt:
                if not stopping:
                    raise
                interrupted.append(interrupt)

        alive = self._for_each(group, write)
        if interrupted:  # all have their checkpoints now
            raise interrupted[0]
        return alive

    def _for_each(self, seats: Sequence[_Seat], action: Callable[[_Seat], None]) -> bool:
        """Do something with each; those where it raises have failed. Whether none has."""
        failed: dict[_Seat, BaseException] = {}
        for seat in seats:
            try:
                action(seat)
            except BrokenPipeError:
                raise
            except (Exception, SystemExit) as error:
                failed[seat] = error
        self._fail(failed)
        return not failed

    def _fail(self, errors: dict[_Seat, BaseException]) -> None:
        for seat, error in errors.items():
            self._failures[seat.run.path] = seat.fail(error)
        self._seats = [seat for seat in self._seats if seat not in errors]

    def _end_those_at_their_last(self) -> None:
        ended = [seat for seat in self._seats if seat.step == seat.last]
        self._for_each(ended, _Seat.finish)
        self._seats = [seat for seat in self._seats if seat not in ended]


def _member(task: Task, processes: Alone) -> Eager:
    """A run's engine in an ensemble."""
    if task.bank.device.type == "cuda" and task.config.model.embedder == "resnet":
        return Graph(task)
    return Member(task)


def _whole(engines: Sequence[Eager]) -> Ensemble | InTurn:
    """The ensemble of some members."""
    members = [one for one in engines if isinstance(one, Member)]
    if not members:
        return InTurn([one for one in engines if isinstance(one, Graph)])
    return CapturedEnsemble(members) if members[0].device.type == "cuda" else Ensemble(members)
